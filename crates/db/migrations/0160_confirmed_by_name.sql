-- Above how many destroyed resources pages ask for the workspace's name before a plan is confirmed; never where absent.
ALTER TABLE organizations ADD COLUMN ask_name_above BIGINT;
