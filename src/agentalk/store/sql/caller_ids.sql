-- name: usage
SELECT caller_id, sum(calls)::bigint, bool_or(rests), count(*) FROM caller_id_days
WHERE organization_id = %(org)s AND day = %(day)s GROUP BY caller_id;

-- name: begin
INSERT INTO caller_id_days (organization_id, day, caller_id, calls)
SELECT %(org)s, %(day)s, b.caller_id, b.calls
FROM jsonb_to_recordset(%(begun)s::jsonb) AS b(caller_id text, calls integer);

-- name: fold
-- What is of use today; earlier days are of none. Rows that are being written at this moment stay for the next time.
WITH folded AS (
    DELETE FROM caller_id_days WHERE organization_id = %(org)s AND day <= %(day)s RETURNING day, caller_id, calls, rests
)
INSERT INTO caller_id_days (organization_id, day, caller_id, calls, rests)
SELECT %(org)s, day, caller_id, sum(calls), bool_or(rests) FROM folded WHERE day = %(day)s GROUP BY day, caller_id;

-- name: rest
-- The numbers from which these calls were made, those that rest already left out.
WITH used AS (
    SELECT DISTINCT ON (organization_id, caller_id) organization_id, campaign_id, caller_id, id FROM calls
    WHERE id = ANY(%(calls)s::uuid[]) AND caller_id IS NOT NULL
    ORDER BY organization_id, caller_id, id
), rested AS (
    INSERT INTO caller_id_days (organization_id, day, caller_id, calls, rests)
    SELECT organization_id, %(day)s, caller_id, 0, true FROM used
    WHERE NOT EXISTS (SELECT FROM caller_id_days d WHERE d.organization_id = used.organization_id
        AND d.day = %(day)s AND d.caller_id = used.caller_id AND d.rests)
    RETURNING organization_id, caller_id
)
SELECT used.organization_id, used.campaign_id, used.id, used.caller_id FROM used JOIN rested USING (organization_id, caller_id);
