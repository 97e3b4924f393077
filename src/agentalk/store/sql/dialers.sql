-- name: register
-- Said again, if the answer to the first commit was lost.
INSERT INTO dialers (id, started_at, heartbeat_at) VALUES (%(id)s, %(now)s, %(now)s) ON CONFLICT (id) DO NOTHING;

-- name: beat
UPDATE dialers SET heartbeat_at = greatest(heartbeat_at, %(now)s) WHERE id = %(id)s AND fenced_at IS NULL;

-- name: fence_stale
UPDATE dialers SET fenced_at = %(now)s WHERE fenced_at IS NULL AND heartbeat_at < %(stale_before)s;

-- name: fence_all
UPDATE dialers SET fenced_at = %(now)s WHERE fenced_at IS NULL;

-- name: signs_of_life
SELECT max(heartbeat_at) FILTER (WHERE fenced_at IS NULL),
    coalesce(max(heartbeat_at), (SELECT min(created_at) FROM organizations))
FROM dialers;

-- name: prune
-- The newest row stays: it says when this database was last dialled from.
DELETE FROM dialers d
WHERE d.fenced_at < %(before)s AND d.heartbeat_at < (SELECT max(heartbeat_at) FROM dialers)
    AND NOT EXISTS (SELECT FROM calls WHERE calls.dialer_id = d.id AND calls.live);

-- name: retire
UPDATE dialers SET fenced_at = %(now)s WHERE id = %(id)s AND fenced_at IS NULL;

-- name: take_orphans
-- The live calls of fenced dialers change hands, as far as the new one can ask their carriers; what was reserved is told
-- apart, the rest is due for a check at once.
WITH orphan AS (
    SELECT calls.id FROM dialers JOIN calls ON calls.dialer_id = dialers.id
    WHERE dialers.fenced_at IS NOT NULL AND calls.live
        AND (calls.carrier = ANY(%(carriers)s::text[]) OR calls.status = 'reserved')
    ORDER BY calls.id LIMIT %(most)s
    FOR UPDATE OF calls SKIP LOCKED
)
UPDATE calls SET dialer_id = %(dialer)s, check_at = %(now)s
FROM orphan WHERE calls.id = orphan.id
RETURNING calls.id, calls.status;
