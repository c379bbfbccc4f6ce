-- States of an experiment's data that somebody has kept, so that a citation shows what was
-- cited. Named by the hash of what they say; never changed, never deleted.
create table snapshot (
    experiment_id uuid not null references experiment,
    -- sha256, in hex, of `state` unpacked.
    id            text not null constraint snapshot_id check (id ~ '^[0-9a-f]{64}$'),
    taken_at      timestamptz not null default clock_timestamp(),
    -- What the citation is the hash of, as canonical JSON; gzip.
    state         bytea not null,
    -- What page, figures and files are computed from, as it was read; JSON, gzip.
    inputs        bytea not null,
    -- Of `inputs` as they are stored.
    inputs_sha256 text not null constraint snapshot_inputs_sha256 check (inputs_sha256 ~ '^[0-9a-f]{64}$'),
    -- The view in which it was kept: what stood after the question mark.
    query         text not null default '' constraint snapshot_query check (char_length(query) <= 4096),
    primary key (experiment_id, id)
);
-- Packed already.
alter table snapshot alter column state set storage external, alter column inputs set storage external;

create function snapshot_stays() returns trigger language plpgsql as $$
begin
    raise exception 'snapshots stay as they were kept: % is refused', lower(tg_op)
        using errcode = 'restrict_violation';
end
$$;
create trigger snapshot_stays before update or delete or truncate on snapshot
    for each statement execute function snapshot_stays();
