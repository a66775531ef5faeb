-- How often somebody was invited: only the newest address that accepts is good.
ALTER TABLE organization_memberships ADD COLUMN invitations BIGINT NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN invitations BIGINT NOT NULL DEFAULT 1;
