-- Who has installed the GitHub App that this site is, and the organizations that may use it.
CREATE TABLE github_app_installations (
  id          TEXT   NOT NULL PRIMARY KEY,
  -- GitHub's own.
  number      BIGINT NOT NULL UNIQUE,
  account     TEXT   NOT NULL,
  kind        TEXT,
  icon_url    TEXT,
  url         TEXT,
  status      TEXT   NOT NULL,
  -- What last went wrong, until something goes well.
  trouble     TEXT,
  troubled_at BIGINT,
  created_at  BIGINT NOT NULL,
  updated_at  BIGINT NOT NULL
);
CREATE INDEX github_app_installations_account ON github_app_installations (account, id);

CREATE TABLE github_app_links (
  github_app_installation_id TEXT NOT NULL REFERENCES github_app_installations (id) ON DELETE CASCADE,
  organization_name          TEXT NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  PRIMARY KEY (github_app_installation_id, organization_name)
);
CREATE INDEX github_app_links_organization ON github_app_links (organization_name);
