-- Runs by the calendar, and windows in which nothing is applied.
CREATE TABLE run_schedules (
  id           TEXT    NOT NULL PRIMARY KEY,
  workspace_id TEXT    NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  kind         TEXT    NOT NULL,
  cron         TEXT    NOT NULL,
  time_zone    TEXT    NOT NULL,
  message      TEXT    NOT NULL,
  enabled      BOOLEAN NOT NULL,
  next_at      BIGINT,
  last_at      BIGINT,
  last_run_id  TEXT,
  last_error   TEXT,
  created_at   BIGINT  NOT NULL
);
CREATE INDEX run_schedules_of_workspace ON run_schedules (workspace_id, created_at);
CREATE INDEX run_schedules_due ON run_schedules (next_at) WHERE enabled;

CREATE TABLE freezes (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON DELETE CASCADE ON UPDATE CASCADE,
  project_id        TEXT   REFERENCES projects (id) ON DELETE CASCADE,
  workspace_id      TEXT   REFERENCES workspaces (id) ON DELETE CASCADE,
  name              TEXT   NOT NULL,
  starts_at         BIGINT,
  ends_at           BIGINT,
  cron              TEXT,
  time_zone         TEXT   NOT NULL,
  minutes           BIGINT,
  created_at        BIGINT NOT NULL
);
CREATE INDEX freezes_of_organization ON freezes (organization_name, created_at);

-- Which runs may be applied all the same, and who wanted that.
CREATE TABLE freeze_breaks (
  run_id     TEXT   NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  user_id    TEXT,
  reason     TEXT   NOT NULL,
  created_at BIGINT NOT NULL
);
