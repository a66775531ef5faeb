-- Whether the plans of a pull request are told below it, too.
ALTER TABLE organizations ADD COLUMN pull_request_comments BOOLEAN NOT NULL DEFAULT FALSE;

-- The one comment below each, by the provider's own id of it.
CREATE TABLE pull_request_comments (
  id            TEXT   NOT NULL PRIMARY KEY,
  repository_id TEXT   NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  number        BIGINT NOT NULL,
  comment       TEXT   NOT NULL,
  said          TEXT   NOT NULL,
  said_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX pull_request_comments_number ON pull_request_comments (repository_id, number);
-- The pull requests of a repository, by what was told of them last.
CREATE INDEX ingress_attributes_pull_request ON ingress_attributes (repository_id, pull_request_number, happened_at);
