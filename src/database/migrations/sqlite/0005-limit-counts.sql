-- Only instances on PostgreSQL count limits together. This version is empty, so that both schemas have one number.
SELECT 1;
