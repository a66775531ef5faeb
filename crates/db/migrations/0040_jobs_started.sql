-- Since when an agent is at work on it, so that no phase takes for ever.
ALTER TABLE jobs ADD COLUMN started_at BIGINT;
