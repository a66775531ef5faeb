-- Which engine a workspace wants, beside the version: terraform or tofu; without a word, whichever has the version, Terraform
-- first. A run keeps the one that it was given.
ALTER TABLE workspaces ADD COLUMN engine TEXT;
ALTER TABLE runs ADD COLUMN engine TEXT;
UPDATE runs SET engine = (
  SELECT t.kind FROM tool_versions t
  WHERE t.version = runs.terraform_version AND t.kind IN ('terraform', 'tofu')
  ORDER BY CASE WHEN t.enabled THEN 0 ELSE 1 END, t.kind LIMIT 1
)
WHERE is_final = FALSE AND status <> 'pending' AND terraform_version IS NOT NULL;
