-- Each stage of a run that is not a phase has a row, the one that policy checks hang on as well.
INSERT INTO task_stages (id, run_id, stage, status, leased_until, attempts, status_timestamps, created_at, updated_at)
SELECT 'ts-' || substr(c.id, 8), c.run_id, 'policy_check',
  CASE c.status
    WHEN 'pending' THEN 'pending'
    WHEN 'queued' THEN 'running'
    WHEN 'soft_failed' THEN 'awaiting_override'
    WHEN 'hard_failed' THEN 'failed'
    WHEN 'overridden' THEN 'passed'
    ELSE c.status
  END,
  NULL, 0, '{}', c.created_at, c.created_at
FROM policy_checks c
WHERE c.id = (SELECT MIN(o.id) FROM policy_checks o WHERE o.run_id = c.run_id);

-- What a stage waits for can be read from its members alone.
ALTER TABLE policy_evaluations ADD COLUMN can_be_overridden BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE policy_evaluations SET can_be_overridden = TRUE
WHERE status IN ('failed', 'errored')
  AND task_stage_id IN (SELECT id FROM task_stages WHERE status = 'awaiting_override');
