-- Whether the address by which an organization knows a member was shown to be theirs.
ALTER TABLE organization_memberships ADD COLUMN is_proven BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE organization_memberships SET is_proven = TRUE
  WHERE EXISTS (SELECT 1 FROM users u
                WHERE u.id = organization_memberships.user_id
                  AND lower(u.email) = lower(organization_memberships.email));
