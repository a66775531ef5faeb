-- What a run would cost, as the site's estimator says.
CREATE TABLE cost_estimates (
  id                    TEXT   NOT NULL PRIMARY KEY,
  run_id                TEXT   NOT NULL UNIQUE REFERENCES runs (id) ON DELETE CASCADE,
  status                TEXT   NOT NULL,
  error_message         TEXT,
  matched               BIGINT NOT NULL,
  unmatched             BIGINT NOT NULL,
  -- Decimal numbers, once they are known.
  prior_monthly_cost    TEXT,
  proposed_monthly_cost TEXT,
  delta_monthly_cost    TEXT,
  status_timestamps     TEXT   NOT NULL,
  created_at            BIGINT NOT NULL
);

-- JSON: resource by resource. Not read with lists.
CREATE TABLE cost_estimate_resources (
  cost_estimate_id TEXT NOT NULL PRIMARY KEY REFERENCES cost_estimates (id) ON DELETE CASCADE,
  resources        TEXT NOT NULL
);

ALTER TABLE runs ADD COLUMN cost_estimate_id TEXT;
