"""What becomes of the rows that an earlier version wrote."""

from importlib.resources import files
from uuid import uuid4

import psycopg

from agentalk.store.migrate import migrate


async def test_contacts_learn_their_jurisdictions(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE migrations (name text PRIMARY KEY)"
        )
        admin.execute(files("agentalk.store").joinpath("migrations", "0001_foundation.sql").read_bytes())
        admin.execute("INSERT INTO migrations VALUES ('0001_foundation.sql')")
        org = uuid4()
        admin.execute(
            "INSERT INTO organizations (id, name, created_at, updated_at) VALUES (%s, 'Acme', now(), now())", (org,)
        )
        people = [
            ("ada", "+13055550100", "America/New_York", None, None),
            ("bob", "+442079460000", "Europe/London", "Europe/Paris", '{"country": "FR"}'),
            ("cy", None, "", None, None),
        ]
        for id, phone, zones, zone, address in people:
            admin.execute(
                """INSERT INTO contacts (organization_id, id, phone, zones, time_zone, address, consent, created_at,
                       updated_at) VALUES (%s, %s, %s, %s, %s, %s, '"yes"', now(), now())""",
                (org, id, phone, zones, zone, address),
            )
        assert await migrate(dsn) == ["0002_policy.sql"]
        kept = admin.execute("SELECT id, zones, consent, attributes ->> 'consent' FROM contacts ORDER BY id").fetchall()
        assert kept == [
            ("ada", "America/New_York@US-FL", None, "yes"),
            ("bob", "Europe/Paris@FR,GB", None, "yes"),
            ("cy", "", None, "yes"),
        ]
        assert await migrate(dsn) == []
