"""The ground that benchmarks stand on: a database of their own, and an organization with so many contacts in it."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4
from zlib import crc32

import msgspec
import psycopg

from agentalk.domain.campaign import Voicemail
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import Day, Slot, Window
from agentalk.postgres import EmbeddedPostgres
from agentalk.store.migrate import migrate

_NOW = datetime.now(UTC)
# Five zone groups in which it is the middle of the day, whenever somebody measures: elsewhere nobody may be called.
ZONES = tuple(f"Etc/GMT{(_NOW.hour - hour + 12) % 24 - 12:+d}@US" for hour in range(10, 15))
AROUND_THE_CLOCK = Window(slots=tuple(Slot(day, "00:00", "24:00") for day in Day))


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    """The DSN of a fresh, migrated database, on `BENCH_DATABASE_URL`'s server or an embedded one as `serve` has it."""
    given = os.environ.get("BENCH_DATABASE_URL")
    with tempfile.TemporaryDirectory(prefix="agentalk-bench-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103 - as root the server runs as another user
        embedded = None if given else EmbeddedPostgres(Path(folder))
        base = given or (await embedded.start() if embedded else "")
        name = f"bench_{uuid4().hex[:8]}"
        with psycopg.connect(base, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
        dsn = urlsplit(base)._replace(path=f"/{name}").geturl()
        try:
            await migrate(dsn)
            yield dsn
        finally:
            with psycopg.connect(base, autocommit=True) as admin:
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            if embedded:
                await embedded.stop()


class Ground:
    """Writes rows straight into the tables: benchmarks measure the way through, not the way in."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.now = datetime.now(UTC)

    def organization(self, *, most: int = 5000, rate: float = 100_000) -> UUID:
        """An organization with a simulator that takes `most` live calls, `rate` a second."""
        org = uuid4()
        self.connection.execute(
            "INSERT INTO organizations VALUES (%s, 'bench', %s, %s, %s)", (org, most, self.now, self.now)
        )
        self.connection.execute(
            """INSERT INTO carriers (id, organization_id, name, kind, is_default, max_live_calls, calls_per_second,
               created_at, updated_at) VALUES (%s, %s, 'simulator', 'simulator', true, %s, %s, %s, %s)""",
            (uuid4(), org, most, rate, self.now, self.now),
        )
        return org

    def carrier(self, org: UUID) -> UUID:
        """The organization's carrier."""
        row = self.connection.execute("SELECT id FROM carriers WHERE organization_id = %s", (org,)).fetchone()
        if row is None:
            raise SystemExit("The organization has no carrier.")
        return UUID(str(row[0]))

    def contacts(self, org: UUID, count: int, *, tag: str = "c") -> None:
        """`count` contacts named `{tag}-1` … over five zones."""
        self.connection.execute(
            """INSERT INTO contacts (organization_id, id, phone, name, zones, created_at, updated_at)
               SELECT %(org)s, %(tag)s || '-' || n, '+1' || (2000000000 + %(base)s::bigint + n), 'Ada',
                   (%(zones)s::text[])[1 + n %% 5], %(now)s, %(now)s
               FROM generate_series(1, %(count)s) n""",
            {"org": org, "tag": tag, "count": count, "zones": list(ZONES), "now": self.now,
             "base": hash_base(tag)},
        )  # fmt: skip

    def campaigns(self, org: UUID, count: int, *, active: bool = False, rate: float = 100_000) -> list[UUID]:
        """`count` campaigns that may call around the clock, `rate` times a second."""
        agent = uuid4()
        self.connection.execute(
            "INSERT INTO agents VALUES (%s, %s, 'agent', 'prompt', 'Hello {{name}}', 'Message', 1, %s, %s)",
            (agent, org, self.now, self.now),
        )
        ids = [uuid4() for _ in range(count)]
        self.connection.execute(
            """INSERT INTO campaigns (id, organization_id, name, status, agent_id, max_concurrency, calls_per_second,
                   priority, window_hours, retry, voicemail, started_at, created_at, updated_at)
               SELECT id, %(org)s, 'campaign', %(status)s, %(agent)s, 5000, %(rate)s, 0, %(window)s, %(retry)s,
                   %(voicemail)s, %(started)s, %(now)s, %(now)s
               FROM unnest(%(ids)s::uuid[]) AS c(id)""",
            {
                "org": org,
                "agent": agent,
                "ids": ids,
                "rate": rate,
                "status": "active" if active else "draft",
                "started": self.now if active else None,
                "window": msgspec.json.encode(AROUND_THE_CLOCK).decode(),
                "retry": msgspec.json.encode(RetryPolicy()).decode(),
                "voicemail": msgspec.json.encode(Voicemail()).decode(),
                "now": self.now,
            },
        )
        return ids

    def activate(self, org: UUID, campaign: UUID) -> None:
        """Start a campaign, as its API does."""
        self.connection.execute(
            "UPDATE campaigns SET status = 'active', started_at = %s WHERE id = %s", (self.now, campaign)
        )
        self.connection.execute("SELECT pg_notify('agentalk', %s)", (str(org),))

    def audience(self, org: UUID, campaign: UUID, count: int, *, tag: str = "c", skip: int = 0) -> None:
        """`count` contacts of `tag` after the first `skip`, pending in the campaign."""
        self.connection.execute(
            """INSERT INTO campaign_contacts (campaign_id, contact_id, organization_id, zones, due_at, added_at)
               SELECT %(campaign)s, id, organization_id, zones, %(now)s, %(now)s FROM contacts
               WHERE organization_id = %(org)s AND id LIKE %(tag)s || '-%%'
               ORDER BY seq LIMIT %(count)s OFFSET %(skip)s""",
            {"campaign": campaign, "org": org, "tag": tag, "count": count, "now": self.now, "skip": skip},
        )

    def call_everyone(self, *campaigns: UUID) -> None:
        """All contacts of these campaigns, called and reached."""
        self.connection.execute(
            """UPDATE campaign_contacts SET status = 'completed', attempts = 1, last_outcome = 'answered'
               WHERE campaign_id = ANY(%s)""",
            (list(campaigns),),
        )

    def token(self, org: UUID, digest: bytes) -> None:
        """A token that may write."""
        self.connection.execute(
            """INSERT INTO tokens (id, organization_id, name, role, digest, created_at)
               VALUES (%s, %s, 'bench', 'write', %s, %s)""",
            (uuid4(), org, digest, self.now),
        )

    def newest(self, org: UUID, count: int) -> list[UUID]:
        """The campaigns that a list shows first."""
        rows = self.connection.execute(
            "SELECT id FROM campaigns WHERE organization_id = %s ORDER BY id DESC LIMIT %s", (org, count)
        )
        return [row[0] for row in rows]

    def fold(self) -> None:
        """Tallies as a dialer would have folded them by now."""
        self.connection.execute(
            """WITH folded AS (DELETE FROM campaign_tallies RETURNING *)
               INSERT INTO campaign_tallies SELECT campaign_id, zones, status, sum(n) FROM folded GROUP BY 1, 2, 3"""
        )

    def settle(self) -> None:
        """Statistics as autovacuum would have made them by now."""
        self.connection.execute("VACUUM ANALYZE")

    def newest_dialer(self) -> UUID:
        """The dialer that registered last."""
        row = self.connection.execute("SELECT id FROM dialers ORDER BY started_at DESC LIMIT 1").fetchone()
        if row is None:
            raise SystemExit("There is no dialer.")
        return UUID(str(row[0]))

    def ended(self) -> int:
        """How many calls have ended."""
        return self.one("SELECT count(*) FROM calls WHERE status = 'ended'")

    def one(self, statement: str) -> int:
        """A number."""
        row = self.connection.execute(statement).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Disconnect."""
        self.connection.close()


def hash_base(tag: str) -> int:
    """A block of numbers for each tag, so that no two contacts share a phone."""
    return crc32(tag.encode()) % 700 * 10_000_000
