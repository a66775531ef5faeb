-- What happened with connections, for whoever looks after them.
CREATE TABLE vcs_events (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  oauth_client_id   TEXT   REFERENCES oauth_clients (id) ON DELETE SET NULL,
  oauth_token_id    TEXT,
  level             TEXT   NOT NULL,
  message           TEXT   NOT NULL,
  suggested_action  TEXT,
  created_at        BIGINT NOT NULL
);
CREATE INDEX vcs_events_organization ON vcs_events (organization_name, created_at);
CREATE INDEX vcs_events_client ON vcs_events (oauth_client_id);
CREATE INDEX vcs_events_age ON vcs_events (created_at);
