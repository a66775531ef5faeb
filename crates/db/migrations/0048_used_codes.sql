-- A code that comes a second time revokes what it was exchanged for.
ALTER TABLE authorization_codes ADD COLUMN token_id TEXT;
