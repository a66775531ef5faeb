-- An address of a person counts once it is confirmed; what somebody merely claims is kept apart from it.
ALTER TABLE users ADD COLUMN confirmed_email TEXT;
ALTER TABLE users ADD COLUMN unconfirmed_email TEXT;
-- Made by an invitation that nobody has accepted so far.
ALTER TABLE users ADD COLUMN is_awaited BOOLEAN NOT NULL DEFAULT FALSE;

-- How the organization knows the member, by which it also invited them.
ALTER TABLE organization_memberships ADD COLUMN email TEXT;

-- Until now people gave themselves any address, and any member invited to any.
UPDATE users SET confirmed_email = email
  WHERE is_site_admin = TRUE
     OR (id NOT IN (SELECT resource_id FROM events WHERE action = 'user_updated')
         AND (password_hash IS NOT NULL OR id IN (SELECT user_id FROM tokens WHERE user_id IS NOT NULL)));
UPDATE users SET unconfirmed_email = email WHERE confirmed_email IS NULL;
UPDATE users SET is_awaited = TRUE
  WHERE password_hash IS NULL
    AND id NOT IN (SELECT user_id FROM tokens WHERE user_id IS NOT NULL)
    AND id IN (SELECT user_id FROM organization_memberships WHERE status = 'invited');
UPDATE organization_memberships
  SET email = (SELECT u.email FROM users u
               WHERE u.id = organization_memberships.user_id AND (u.confirmed_email IS NOT NULL OR u.is_awaited = TRUE));

DROP INDEX users_email;
ALTER TABLE users DROP COLUMN email;
ALTER TABLE users RENAME COLUMN confirmed_email TO email;
CREATE UNIQUE INDEX users_email ON users (lower(email));
CREATE INDEX organization_memberships_email ON organization_memberships (organization_name, lower(email));
