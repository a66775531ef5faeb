CREATE TABLE gad_gets (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name              TEXT   NOT NULL,
  created_at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX gad_gets_name ON gad_gets (organization_name, name);
