-- What was measured.

-- A series is (stage, attempt, metric). Points stand in blocks of 256, so that no
-- page reads one row a point.
create table series_block (
    stage_id   uuid not null references stage,
    attempt    integer not null,
    metric     text not null,
    block      integer not null,
    first_step bigint not null,
    last_step  bigint not null,
    steps      bigint[] not null,
    vals       double precision[] not null,
    primary key (stage_id, attempt, metric, block),
    constraint series_block_lengths check (cardinality(steps) = cardinality(vals))
);

-- What the stage had charged at each reported step, for the cost axes: once a
-- step rather than once a metric.
create table step_cost (
    stage_id   uuid not null references stage,
    attempt    integer not null,
    block      integer not null,
    first_step bigint not null,
    last_step  bigint not null,
    steps      bigint[] not null,
    tokens     double precision[] not null,
    flops      double precision[] not null,
    device_ms  double precision[] not null,
    -- Monotonic time spent working.
    active_ms  double precision[] not null,
    primary key (stage_id, attempt, block)
);

-- Buckets of 10^level steps, 64 buckets a row, one array element a bucket. Level 1
-- always; the next once an attempt's series is longer than 10,000 points, and so on.
create table series_rollup (
    stage_id      uuid not null references stage,
    attempt       integer not null,
    metric        text not null,
    level         smallint not null check (level between 1 and 6),
    block         integer not null,
    -- Last step in the bucket; its number is that step / 10^level.
    steps         bigint[] not null,
    counts        bigint[] not null,
    sums          double precision[] not null,
    squares       double precision[] not null,
    -- NaN only where a bucket has nothing else.
    mins          double precision[] not null,
    maxs          double precision[] not null,
    firsts        double precision[] not null,
    lasts         double precision[] not null,
    -- At the bucket's last step.
    cum_tokens    double precision[] not null,
    cum_flops     double precision[] not null,
    cum_device_ms double precision[] not null,
    cum_active_ms double precision[] not null,
    primary key (stage_id, attempt, metric, level, block)
);

-- Compute by purpose. Rows past the step that a later attempt resumed from
-- become purpose 'lost': spent, never charged.
create table ledger (
    stage_id  uuid not null references stage,
    attempt   integer not null,
    purpose   text not null,
    step      bigint not null,
    tokens    double precision not null,
    flops     double precision not null,
    device_ms double precision not null,
    primary key (stage_id, attempt, step, purpose)
);

-- Sums of the ledger, changed in the same transactions: pages read one row a
-- purpose where the ledger has one a step.
create table ledger_total (
    stage_id  uuid not null references stage,
    purpose   text not null,
    tokens    double precision not null,
    flops     double precision not null,
    device_ms double precision not null,
    primary key (stage_id, purpose)
);

-- Supervision used: demonstrations, verifier calls, step labels.
create table supervision (
    stage_id uuid not null references stage,
    attempt  integer not null,
    kind     text not null,
    step     bigint not null,
    count    bigint not null,
    primary key (stage_id, attempt, step, kind)
);

create table completion (
    stage_id   uuid not null references stage,
    attempt    integer not null,
    step       bigint not null,
    group_no   integer not null,
    index_no   integer not null,
    prompt     text not null,
    gold       text not null,
    completion text not null,
    reward     double precision not null,
    advantage  double precision not null,
    length     integer not null,
    truncated  boolean not null,
    correct    boolean not null,
    primary key (stage_id, attempt, step, group_no, index_no)
);

create table evaluation (
    id            bigint generated always as identity primary key,
    stage_id      uuid not null references stage,
    attempt       integer not null,
    step          bigint not null,
    split         text not null,
    milestone     integer,
    -- Cost at which the measured weights were reached, since the stage's start.
    cum_tokens    double precision not null,
    cum_flops     double precision not null,
    cum_device_ms double precision not null,
    cum_active_ms double precision not null,
    temperature   double precision not null,
    top_p         double precision not null,
    max_completion_length integer not null,
    -- Summaries of the items, so that a curve reads one row a measurement. Kept
    -- beside the items they are computed from, in the same transaction.
    problems      integer not null,
    samples       integer not null,
    pass_at_1     double precision not null,
    maj_at_k      double precision not null,
    mean_length   double precision not null,
    truncated_share double precision not null,
    constraint evaluation_once unique nulls not distinct (stage_id, attempt, step, split, milestone)
);
create index evaluation_stage on evaluation (stage_id);

-- One row a problem, every sample in it.
create table evaluation_item (
    evaluation_id bigint not null references evaluation,
    problem       bigint not null,
    difficulty    integer not null,
    gold          text not null,
    correct       boolean[] not null,
    lengths       integer[] not null,
    truncated     boolean[] not null,
    answers       text[] not null,
    primary key (evaluation_id, problem)
);

-- Files by content, at <data>/artifacts/sha256/ab/...; never in Postgres.
create table artifact (
    sha256     text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
    bytes      bigint not null,
    stored_at  timestamptz not null default clock_timestamp()
);

create table artifact_ref (
    stage_id uuid not null references stage,
    attempt  integer not null,
    role     text not null,
    step     bigint not null,
    sha256   text not null constraint artifact_ref_stored references artifact,
    -- From here on the reference no longer keeps the file.
    released_at timestamptz,
    primary key (stage_id, attempt, role, step, sha256)
);
create index artifact_ref_sha on artifact_ref (sha256);
