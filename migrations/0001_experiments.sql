-- What is asked for. Facts only: states of runs, arms and experiments are derived.

create table experiment (
    id          uuid primary key,
    name        text not null,
    question    text not null,
    -- The comparator, primary metric and budget stand in the current version's spec.
    version     integer not null default 1,
    created_at  timestamptz not null default clock_timestamp()
);

-- What was registered, and when. A change (more arms, more seeds) is a new row.
create table experiment_version (
    experiment_id uuid not null references experiment,
    version       integer not null,
    spec          jsonb not null,
    sha256        text not null,
    frozen_at     timestamptz not null default clock_timestamp(),
    primary key (experiment_id, version)
);
create index experiment_version_sha256 on experiment_version (sha256);

create table arm (
    id            uuid primary key,
    experiment_id uuid not null references experiment,
    position      integer not null,
    key           text not null,
    label         text not null,
    -- False for an arm that evaluates a shared stage as it is.
    trains        boolean not null,
    constraint arm_key_unique unique (experiment_id, key)
);

create table run (
    id            uuid primary key,
    experiment_id uuid not null references experiment,
    version       integer not null,
    arm_id        uuid not null references arm,
    seed          bigint not null,
    -- Somebody cancelled it. Its stages may go on: other runs can need them.
    cancelled_at  timestamptz,
    constraint run_seed_unique unique (arm_id, seed)
);
create index run_experiment on run (experiment_id);

-- One unit of work. Belongs to no run; found again by its hash.
create table stage (
    id          uuid primary key,
    hash        text not null,
    kind        text not null generated always as (spec -> 'job' ->> 'kind') stored,
    spec        jsonb not null,
    threads     integer not null check (threads > 0),
    -- False once its job has failed or was cancelled: never reused.
    reusable    boolean not null default true,
    created_at  timestamptz not null default clock_timestamp()
);
create unique index stage_hash_unique on stage (hash) where reusable;

create table stage_input (
    stage_id   uuid not null references stage,
    role       text not null,
    from_stage uuid not null references stage,
    primary key (stage_id, role)
);
create index stage_input_from on stage_input (from_stage);

create table run_stage (
    run_id   uuid not null references run,
    position integer not null,
    name     text not null,
    stage_id uuid not null references stage,
    charge   text not null,
    -- The stage had been planned by an earlier experiment.
    reused   boolean not null default false,
    primary key (run_id, position)
);
create index run_stage_stage on run_stage (stage_id);
