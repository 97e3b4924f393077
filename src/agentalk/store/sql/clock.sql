-- The database's own clock is asked for one thing: whether a dialer's shows the same time.

-- name: database_time
SELECT clock_timestamp();
