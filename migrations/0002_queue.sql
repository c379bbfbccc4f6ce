-- Who works on what. Lease times are the database's clock_timestamp() alone.

create table worker (
    id            uuid primary key,
    name          text not null,
    protocol      integer not null,
    threads       integer not null,
    host          jsonb not null,
    registered_at timestamptz not null default clock_timestamp(),
    seen_at       timestamptz not null default clock_timestamp()
);

create table job (
    stage_id    uuid primary key references stage,
    state       text not null check (state in ('blocked', 'queued', 'running', 'succeeded', 'failed', 'cancelled')),
    -- Inputs that have not succeeded yet; a blocked job is queued when it reaches 0.
    waiting_on  integer not null check (waiting_on >= 0),
    priority    integer not null default 0,
    threads     integer not null,
    -- Number of the latest attempt; the fence.
    attempts    integer not null default 0,
    -- Attempts that count against the job (crashes, not preemptions or lost workers).
    failures    integer not null default 0,
    not_before  timestamptz not null default clock_timestamp(),
    cancel      boolean not null default false,
    -- Kept when it goes back to the queue: what was begun is continued first. Equal for
    -- what one statement queues; the stage's id, in the order of the plan, then decides.
    queued_at   timestamptz not null default statement_timestamp(),
    -- Last change of state.
    changed_at  timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    constraint job_blocked_waits check ((state = 'blocked') = (waiting_on > 0) or state in ('failed', 'cancelled'))
) with (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02);
create index job_claim on job (priority desc, queued_at, stage_id) where state = 'queued';
create index job_running on job (stage_id) where state = 'running';
create index job_finished on job (finished_at desc) where finished_at is not null;

create table attempt (
    stage_id          uuid not null references job,
    number            integer not null check (number > 0),
    worker_id         uuid references worker,
    state             text not null check (state in
        ('running', 'succeeded', 'failed', 'preempted', 'lost', 'fenced', 'cancelled')),
    started_at        timestamptz not null default clock_timestamp(),
    finished_at       timestamptz,
    lease_expires_at  timestamptz not null,
    last_seq          bigint not null default 0,
    step              bigint not null default 0,
    -- 0: from the start; null: it has not reported anything yet.
    resumed_from_step bigint,
    host              jsonb,
    failure_class     text,
    failure_message   text,
    failure_step      bigint,
    failure_metric    text,
    log               text[] not null default '{}',
    primary key (stage_id, number),
    constraint attempt_failure_has_class check ((state = 'failed') = (failure_class is not null)),
    constraint attempt_finished check ((state = 'running') = (finished_at is null))
) with (fillfactor = 75);
-- The fence: whatever goes wrong, no stage is worked on twice at a time.
create unique index attempt_running_once on attempt (stage_id) where state = 'running';
create index attempt_lease on attempt (lease_expires_at) where state = 'running';
create index attempt_worker on attempt (worker_id) where state = 'running';

-- The current view of a stage: what an attempt reported up to `last_step` counts,
-- the rest was done again by a later one. One that starts anew hides all before it.
create view kept as
select a.stage_id, a.number as attempt, coalesce(
    (select min(case when later.resumed_from_step = 0 then -1 else later.resumed_from_step end)
     from attempt later where later.stage_id = a.stage_id and later.number > a.number),
    9223372036854775807) as last_step
from attempt a;

-- The only place that derives a run's state from its jobs.
create view run_state as
select rs.run_id, case
    when bool_and(j.state = 'succeeded') then 'succeeded'
    when bool_or(j.state = 'failed') then 'failed'
    when bool_or(j.state = 'cancelled') or bool_or(r.cancelled_at is not null) then 'cancelled'
    when bool_or(j.state = 'running') then 'running'
    else 'waiting' end as state
from run_stage rs
join run r on r.id = rs.run_id
join job j on j.stage_id = rs.stage_id
group by rs.run_id;

create table event (
    id       bigint generated always as identity primary key,
    stage_id uuid not null references stage,
    attempt  integer,
    step     bigint,
    level    text not null check (level in ('info', 'alarm')),
    text     text not null,
    at       timestamptz not null default clock_timestamp()
);
create index event_stage on event (stage_id, id);
