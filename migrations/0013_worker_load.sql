-- How busy a worker's machine is, as the worker last told it, and when it came. Null where it
-- has told nothing.
alter table worker add column load jsonb, add column load_at timestamptz;
