-- Amendments: later versions that say an experiment's question or hypothesis anew. Version 1
-- is what was registered and stays as it is. The rule (arms, budget, contrasts, margin) is the
-- same in every version; only words differ, so that no verdict can be amended.
alter table experiment_version
    -- Why it was amended; version 1 has none.
    add column reason text,
    add column note   text not null default '',
    -- With which token; null where none was asked for.
    add column author text,
    add constraint experiment_version_reason check (version = 1 or btrim(coalesce(reason, '')) <> '');
