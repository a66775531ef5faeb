-- How long tokens may live in organizations that set a limit.

ALTER TABLE organizations ADD COLUMN max_ttl_enabled BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE token_ttl_policies (
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  token_type        TEXT   NOT NULL,
  max_ttl_ms        BIGINT NOT NULL,
  created_at        BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL,
  PRIMARY KEY (organization_name, token_type)
);
