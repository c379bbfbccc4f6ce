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
    queued_at   timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    constraint job_blocked_waits check ((state = 'blocked') = (waiting_on > 0) or state in ('failed', 'cancelled'))
) with (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02);
create index job_claim on job (priority desc, queued_at, stage_id) where state = 'queued';
create index job_running on job (stage_id) where state = 'running';

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
    resumed_from_step bigint not null default 0,
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
create index attempt_lease on attempt (lease_expires_at) where state = 'running';
create index attempt_worker on attempt (worker_id) where state = 'running';

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
