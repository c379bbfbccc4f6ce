-- Alarms by the rules of an experiment's file, found by the server while nobody looks; and
-- notes on runs.

-- How far a run's stage was looked at: what its latest attempt had sent by then. A stage that
-- several runs share is looked at for each, for their thresholds may differ.
create table rule_look (
    run_id    uuid not null references run,
    stage_id  uuid not null references stage,
    -- 0: it was tried, and could not be looked at.
    attempt   integer not null,
    last_seq  bigint not null,
    looked_at timestamptz not null default clock_timestamp(),
    primary key (run_id, stage_id)
);

-- The first time that a run broke a rule, in a stage that it still has: later steps that break it
-- again change nothing, a stage that took the place of another does.
create table rule_alarm (
    run_id    uuid not null references run,
    rule      text not null,
    stage_id  uuid not null references stage,
    step      bigint not null,
    -- As it was measured: NaN and infinities too.
    value     double precision not null,
    -- Null where the rule has none.
    threshold double precision,
    at        timestamptz not null default clock_timestamp(),
    primary key (run_id, rule)
);
create index rule_alarm_at on rule_alarm (at);

-- Runs that work or wait and have had an alarm in the last 24 hours, whoever raised it: a
-- worker, or a rule.
create view alarmed_run as
select a.run_id, count(*) as alarms, max(a.at) as latest from (
    select rs.run_id, e.at from event e join run_stage rs on rs.stage_id = e.stage_id
    where e.level = 'alarm' and e.at > statement_timestamp() - interval '24 hours'
    union all
    select ra.run_id, ra.at from rule_alarm ra
    join run_stage rs on rs.run_id = ra.run_id and rs.stage_id = ra.stage_id
    where ra.at > statement_timestamp() - interval '24 hours') a
where (select s.state from run_state s where s.run_id = a.run_id) in ('running', 'waiting')
group by a.run_id;

-- What people say of a run, dated; nothing is changed or deleted.
create table run_note (
    id         bigint generated always as identity primary key,
    run_id     uuid not null references run,
    written_at timestamptz not null default clock_timestamp(),
    -- With which token; null where none was asked for.
    author     text,
    text       text not null constraint run_note_text check (btrim(text) <> '')
);
create index run_note_run on run_note (run_id, id desc);
