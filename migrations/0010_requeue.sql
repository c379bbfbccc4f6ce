-- What an attempt prints while it runs: `log` holds its last lines from its first heartbeat on,
-- and this is when they last came. Null where no heartbeat has brought any.
alter table attempt add column log_at timestamptz;
