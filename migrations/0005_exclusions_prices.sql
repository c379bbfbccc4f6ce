-- Which runs count, and what an hour costs: both are said by people, dated, and never edited.

-- Leaving a run out of the comparison, and taking that back. The latest row of a run holds.
create table exclusion (
    id       bigint generated always as identity primary key,
    run_id   uuid not null references run,
    -- False: taken back.
    excluded boolean not null,
    reason   text not null,
    at       timestamptz not null default clock_timestamp(),
    constraint exclusion_has_reason check (not excluded or btrim(reason) <> '')
);
create index exclusion_run on exclusion (run_id, id desc);

-- Runs that are left out now.
create view excluded_run as
select l.run_id, l.reason, l.at from (
    select distinct on (run_id) * from exclusion order by run_id, id desc) l
where l.excluded;

-- What an hour of a device costs from a day on; none comes with the program.
create table price (
    id               bigint generated always as identity primary key,
    -- `cpu`, `cuda`, or a device's own name; compared without regard to case.
    device           text not null constraint price_device check (btrim(device) <> ''),
    dollars_per_hour double precision not null
        constraint price_amount check (dollars_per_hour > 0 and dollars_per_hour < 1e9),
    valid_from       timestamptz not null,
    source           text not null constraint price_source check (btrim(source) <> ''),
    entered_at       timestamptz not null default clock_timestamp()
);
create index price_device_from on price (lower(device), valid_from desc, id desc);

-- Alarms of the last hours, for the list of experiments.
create index event_alarm on event (at) where level = 'alarm';
