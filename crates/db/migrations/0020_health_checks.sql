-- Written by each full health check: only a write shows that writing works.
CREATE TABLE health_checks (
    id TEXT NOT NULL PRIMARY KEY,
    writes BIGINT NOT NULL
);
