-- What the policies of a check said: counts as JSON, and sealed JSON.
ALTER TABLE policy_checks ADD COLUMN counts TEXT;
ALTER TABLE policy_checks ADD COLUMN said TEXT;
