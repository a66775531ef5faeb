-- Tokens of teams that somebody minted who could as a member only: they end when that person leaves the team.
ALTER TABLE tokens ADD COLUMN is_members BOOLEAN NOT NULL DEFAULT FALSE;
