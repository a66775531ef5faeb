-- Until when the state of an apply that is over may still come from its agent.
ALTER TABLE phases ADD COLUMN state_awaited_until BIGINT;
CREATE INDEX phases_awaiting_state ON phases (state_awaited_until) WHERE state_awaited_until IS NOT NULL;
