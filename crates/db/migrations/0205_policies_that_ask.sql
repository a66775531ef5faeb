-- Whether policies of an organization may send requests to the outside.
ALTER TABLE organizations ADD COLUMN policy_http_enabled BOOLEAN NOT NULL DEFAULT FALSE;
