-- How far the audit trail has been told to an address, by the hash of that.
CREATE TABLE audit_exports (
  address TEXT   NOT NULL PRIMARY KEY,
  number  BIGINT NOT NULL,
  told_at BIGINT NOT NULL
);
