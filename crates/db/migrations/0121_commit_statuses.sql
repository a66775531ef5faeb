-- What was last said of a commit at its provider, by the name under which it stands there.
CREATE TABLE commit_statuses (
  id            TEXT   NOT NULL PRIMARY KEY,
  repository_id TEXT   NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  commit_sha    TEXT   NOT NULL,
  context       TEXT   NOT NULL,
  said          TEXT   NOT NULL,
  said_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX commit_statuses_context ON commit_statuses (repository_id, commit_sha, context);
INSERT INTO event_readers (name, number) SELECT 'commit statuses', COALESCE(MAX(number), 0) FROM events;
