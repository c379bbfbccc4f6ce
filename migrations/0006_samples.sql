-- What the viewers of texts need.

-- Components of the reward before their weights, by name; empty from workers of old.
alter table completion add column components jsonb not null default '{}';

-- What a person says of the grader's word on one completion. Rows are kept: the newest
-- counts, and reasons stay readable.
create table grader_contest (
    id        bigint generated always as identity primary key,
    stage_id  uuid not null,
    attempt   integer not null,
    step      bigint not null,
    group_no  integer not null,
    index_no  integer not null,
    -- The grader was right, or it was not.
    verdict   text not null check (verdict in ('right', 'wrong')),
    reason    text not null,
    at        timestamptz not null default clock_timestamp(),
    constraint grader_contest_of_completion
        foreign key (stage_id, attempt, step, group_no, index_no) references completion,
    constraint grader_contest_reason check (
        char_length(reason) <= 1000 and (verdict = 'right' or reason <> ''))
);
create index grader_contest_stage on grader_contest (stage_id, id);
