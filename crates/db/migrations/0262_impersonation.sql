-- Whom an administrator of the site looks at the server as in a session, and which administrator was behind what happened.
ALTER TABLE sessions ADD COLUMN impersonated_id TEXT REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE sessions ADD COLUMN impersonated_until BIGINT;
ALTER TABLE sessions ADD COLUMN impersonation_reason TEXT;
CREATE INDEX sessions_impersonated ON sessions (impersonated_id) WHERE impersonated_id IS NOT NULL;
ALTER TABLE events ADD COLUMN impersonator_id TEXT;
