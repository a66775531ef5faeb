-- Connections to those who keep repositories.

CREATE TABLE oauth_clients (
  id                  TEXT    NOT NULL PRIMARY KEY,
  organization_name   TEXT    NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name                TEXT,
  service_provider    TEXT    NOT NULL,
  http_url            TEXT    NOT NULL,
  api_url             TEXT    NOT NULL,
  -- What the provider calls this server by, and its secret, sealed.
  consumer_key        TEXT,
  secret              TEXT,
  rsa_public_key      TEXT,
  ado_entra_tenant_id TEXT,
  -- In the address that browsers come back to.
  uuid                TEXT    NOT NULL,
  organization_scoped BOOLEAN NOT NULL,
  created_at          BIGINT  NOT NULL,
  updated_at          BIGINT  NOT NULL
);
CREATE UNIQUE INDEX oauth_clients_uuid ON oauth_clients (uuid);
CREATE INDEX oauth_clients_organization ON oauth_clients (organization_name, created_at);

-- Projects whose workspaces may use a connection that is not for the whole organization.
CREATE TABLE oauth_client_projects (
  oauth_client_id TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
  project_id      TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  PRIMARY KEY (oauth_client_id, project_id)
);
CREATE INDEX oauth_client_projects_project ON oauth_client_projects (project_id);

CREATE TABLE oauth_tokens (
  id                    TEXT    NOT NULL PRIMARY KEY,
  oauth_client_id       TEXT    NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
  -- Who the provider says that it is.
  service_provider_user TEXT,
  -- Sealed, as are the others; empty where a repository is open to all.
  access_token          TEXT    NOT NULL,
  -- Made by hand, not by the provider's pages.
  is_personal           BOOLEAN NOT NULL,
  refresh_token         TEXT,
  expires_at            BIGINT,
  -- Somebody is renewing it.
  renewing_until        BIGINT,
  ssh_key               TEXT,
  ssh_known_hosts       TEXT,
  -- What last went wrong, until something goes well.
  trouble               TEXT,
  troubled_at           BIGINT,
  created_at            BIGINT  NOT NULL,
  updated_at            BIGINT  NOT NULL
);
CREATE INDEX oauth_tokens_client ON oauth_tokens (oauth_client_id);
