-- By which request something happened, as the log and the answer named it.
ALTER TABLE events ADD COLUMN request_id TEXT;
