-- When somebody was last told of the drift that is still there, and of the checks that still fail.
ALTER TABLE assessment_results ADD COLUMN drift_told_at BIGINT;
ALTER TABLE assessment_results ADD COLUMN checks_told_at BIGINT;
