-- From where callers of an organization, and the agents of its pools, are let in.
CREATE TABLE cidr_range_lists (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name              TEXT   NOT NULL,
  description       TEXT   NOT NULL,
  enforcement_scope TEXT   NOT NULL,
  created_at        BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX cidr_range_lists_name ON cidr_range_lists (organization_name, name);

CREATE TABLE cidr_ranges (
  id                 TEXT    NOT NULL PRIMARY KEY,
  cidr_range_list_id TEXT    NOT NULL REFERENCES cidr_range_lists (id) ON DELETE CASCADE,
  range              TEXT    NOT NULL,
  description        TEXT,
  enabled            BOOLEAN NOT NULL,
  created_at         BIGINT  NOT NULL,
  updated_at         BIGINT  NOT NULL
);
CREATE UNIQUE INDEX cidr_ranges_range ON cidr_ranges (cidr_range_list_id, range);

CREATE TABLE cidr_range_list_agent_pools (
  cidr_range_list_id TEXT NOT NULL REFERENCES cidr_range_lists (id) ON DELETE CASCADE,
  agent_pool_id      TEXT NOT NULL REFERENCES agent_pools (id) ON DELETE CASCADE,
  PRIMARY KEY (cidr_range_list_id, agent_pool_id)
);
CREATE INDEX cidr_range_list_agent_pools_pool ON cidr_range_list_agent_pools (agent_pool_id);
