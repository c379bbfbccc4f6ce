-- One answer to one submission, however often it is sent. Kept for seven days.
create table idempotency_key (
    key           text primary key,
    -- Of the body: the same key with another body is refused.
    body_sha256   text not null,
    experiment_id uuid not null references experiment,
    used_at       timestamptz not null default clock_timestamp()
);
create index idempotency_key_age on idempotency_key (used_at);
