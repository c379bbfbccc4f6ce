-- What people make of an arm's outcome, after the fact: the registered text is frozen,
-- so this stands beside it, dated. Nothing is changed or deleted; the newest is shown first.
create table arm_note (
    id         bigint generated always as identity primary key,
    arm_id     uuid not null references arm,
    written_at timestamptz not null default clock_timestamp(),
    why        text not null check (why <> ''),
    evidence   text not null constraint arm_note_evidence check (evidence in ('strong', 'weak', 'guess')),
    tried      text not null,
    not_tried  text not null,
    would_change text not null
);
create index arm_note_arm on arm_note (arm_id);
