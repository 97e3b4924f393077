"""A drill: real processes on a database of their own, a campaign, and what must hold whatever is done to them."""

import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import psycopg

from agentalk.carriers.simulator.ledger import Ledger, Row
from agentalk.carriers.simulator.wire import SIGNATURE
from agentalk.postgres.folder import Folder
from tests.journeys.processes import PATIENCE, Process, Processes, World
from tests.journeys.roles import environment, living_in, start_api, start_server, start_simulator
from tests.journeys.standby import Pair
from tests.postgres.test_recovery import family

AT_ONCE = {"weights": {"answered": 1}, "ringSeconds": [0, 0], "talkSeconds": [0, 0]}
SHORT = {
    "weights": {"answered": 6, "voicemail": 2, "busy": 1, "rejected": 1},
    "ringSeconds": [0.1, 0.5],
    "talkSeconds": [0.1, 1.5],
}
ALL_DAY = [
    {"day": day, "start": "00:00", "end": "24:00"}
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
]
ONCE = {"window": {"slots": ALL_DAY}, "retry": {"maxAttempts": 1}}
# A connection that is kept may be closed by the server in the moment in which it is used.
ANEW = httpx.Limits(max_keepalive_connections=0)
FINISHED = ("completed", "exhausted", "skipped", "canceled")
# A contact is due, or done, at the end of a drill, and no call is live.
LOST = """SELECT (SELECT count(*) FROM calls WHERE live)
    + (SELECT count(*) FROM campaign_contacts cc JOIN campaigns c ON c.id = cc.campaign_id
        WHERE cc.status = 'calling'
            OR (cc.status IN ('pending', 'waiting') AND c.status IN ('completed', 'stopped')))"""
# Hours of the day by UTC, and a zone in which the law lets people be called in all of them, and for some minutes more.
_DAYLIGHT = {(0, 9): "Asia/Tokyo", (9, 19): "Africa/Abidjan", (19, 24): "Pacific/Honolulu"}


def daylight(now: datetime) -> str:
    """A zone where it is day."""
    return next(zone for (first, end), zone in _DAYLIGHT.items() if first <= now.hour < end)


class Drill:
    """One organization with one campaign, called by any number of dialers through one simulator."""

    def __init__(
        self,
        started: Processes,
        simulator: Process,
        ledger: Path,
        dsn: str,
        url: str,
        token: str,
        world: World | None = None,
    ) -> None:
        self.processes = started
        self.simulator = simulator
        self.ledger = ledger
        self.dsn = dsn
        self.url = url
        self.campaign = ""
        self.api: Process | None = None
        self.data: Path | None = None
        self.pair: Pair | None = None
        self.world = world
        self.zone = daylight(self.now())
        self._api = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60, limits=ANEW)
        self._look()

    def _look(self) -> None:
        self._db = psycopg.connect(self.dsn, autocommit=True)
        self._db.execute("LISTEN agentalk")

    def now(self) -> datetime:
        """The present moment in the world of the processes."""
        return datetime.now(UTC) + (self.world.ahead if self.world else timedelta())

    def put_forward(self, moment: datetime) -> None:
        """Now it is `moment` in the world of the processes. Only one dialer: others would take each other for dead."""
        assert self.world and moment > self.now()
        self.world.ahead = moment - datetime.now(UTC)

    def close(self) -> None:
        self._api.close()
        self._db.close()

    def dialer(self, *, carrier: str | None = None, **env: str) -> Process:
        """Start a dialer, through the simulator or what poses as it at `carrier`; it is not waited for."""
        options = ("--carrier-url", carrier or self.simulator.url, "--public-url", self.url)
        return self.processes.start("dialer", *options, **environment(self.dsn), **living_in(self.world), **env)

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    def replace_api(self) -> None:
        """Start another API in the place of the one that was killed."""
        self.api = start_api(self.processes, self.dsn, self.simulator, self.port)

    def kill_everything(self) -> None:
        """SIGKILL of the server and its PostgreSQL, in one moment."""
        assert self.data and self.api
        victims = family(Folder(self.data))
        assert len(victims) > 3, "no PostgreSQL was running"
        for pid in (self.api.pid, *victims):
            with suppress(ProcessLookupError):  # a session that has just ended by itself
                os.kill(pid, signal.SIGKILL)
        assert self.api.done() == -signal.SIGKILL

    def replace_server(self) -> None:
        """Start another server on the data folder and the port of the one that was killed."""
        assert self.data
        self.api = start_server(self.processes, self.data, self.simulator, self.port).ready("Data:")
        self.look_again()

    def look_again(self) -> None:
        """Connect to the database anew, once it is back."""
        patience_ends = monotonic() + PATIENCE
        while True:
            try:
                self._db.close()
                return self._look()
            except psycopg.OperationalError:
                assert monotonic() < patience_ends, self.processes.logs()

    def simulator_stats(self) -> Any:
        return httpx.get(f"{self.simulator.url}/stats").json()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The API's answer, which must be a success."""
        answer = self._api.request(method, f"/api{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def people(self, count: int, *, rate: float, at_once: int, **policy: Any) -> None:
        """A campaign with so many contacts that are called once each, at `rate` a second until it is to `hurry`."""
        limits = {"maxConcurrency": at_once, "callsPerSecond": rate}
        organization = self.ask("GET", "/organizations")["data"][0]["id"]
        self.ask("PATCH", f"/organizations/{organization}", {"maxConcurrency": at_once})
        carrier = self.ask("GET", "/carriers")["data"][0]["id"]
        self.ask("PATCH", f"/carriers/{carrier}", {"maxLiveCalls": at_once, "callsPerSecond": 10_000})
        self.import_people({f"c{n}": f"+1212555{n:04d}" for n in range(count)})
        self.agent = self.ask("POST", "/agents", {"name": "Drill", "firstMessage": "Hello"})["id"]
        self.campaign = self.new_campaign([f"c{n}" for n in range(count)], **(limits | policy))

    def import_people(self, phones: Mapping[str, str], zone: str | None = None) -> None:
        """Contacts by id, living in a zone where it is day; an empty one leaves it to their numbers."""
        zone = self.zone if zone is None else zone
        rows = "\n".join(["id,phone,timeZone", *(f'{id},"{phone}",{zone}' for id, phone in phones.items())])
        imported = self._api.post("/api/contacts/import", content=rows, headers={"Content-Type": "text/csv"})
        assert imported.json()["created"] == len(phones), imported.text

    def new_campaign(self, contacts: Sequence[str], **fields: Any) -> str:
        """A campaign with these contacts, who are called once each."""
        draft = {"name": "Drill", "agentId": self.agent, **ONCE, **fields}
        id: str = self.ask("POST", "/campaigns", draft)["id"]
        self.ask("POST", f"/campaigns/{id}/contacts", {"contactIds": list(contacts)})
        return id

    def change(self, **fields: Any) -> None:
        """Change the campaign."""
        self.ask("PATCH", f"/campaigns/{self.campaign}", fields)

    def hurry(self) -> None:
        """What was to happen has happened: the rest is called as fast as may be."""
        campaign = f"/api/campaigns/{self.campaign}"
        # After the database was away the API says so, once for each connection that it lost.
        while (answer := self._api.patch(campaign, json={"callsPerSecond": 1000})).status_code == 503:
            self._pause()
        assert answer.is_success, answer.text

    def order(self, action: str, body: Any = None, campaign: str = "") -> Any:
        """Start, pause or stop the campaign, or another one."""
        return self.ask("POST", f"/campaigns/{campaign or self.campaign}/{action}", body)

    def call_back(self, body: bytes, signature: str | None) -> int:
        """Send a callback in the carrier's place; the status that it is answered with."""
        headers = {} if signature is None else {SIGNATURE: signature}
        return httpx.post(f"{self.url}/gateway/simulator/callbacks", content=body, headers=headers).status_code

    def replace_simulator(self) -> None:
        """Start another carrier on the port and the ledger of the one that was killed."""
        self.simulator = start_simulator(self.processes, self.ledger, SHORT, self.simulator.url.rpartition(":")[2])

    def misbehave(self, **faults: float) -> None:
        """From now on the carrier has these faults and no others."""
        assert httpx.put(f"{self.simulator.url}/faults", json=faults).is_success

    def rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._db.execute(question.encode(), values).fetchall()

    def run(self, statement: str, **values: Any) -> None:
        """Run a statement for its effect."""
        self._db.execute(statement.encode(), values)

    def one(self, question: str, *values: Any) -> Any:
        """The first column of the first row."""
        return self.rows(question, *values)[0][0]

    def until(self, question: str, *values: Any, seconds: float = PATIENCE) -> Any:
        """Wait until the database's answer is true, and return it."""
        patience_ends = monotonic() + seconds
        while not (answer := self.one(question, *values)):
            assert monotonic() < patience_ends, f"not within {seconds} s: {question}\n{self.story()}"
            self._pause()
        return answer

    def dialled(self) -> int:
        """How many calls were dialled so far."""
        return int(self.one("SELECT count(*) FROM calls WHERE dialed_at IS NOT NULL"))

    def rang(self) -> list[Row]:
        """What the carrier's own ledger says so far."""
        return Ledger.read(self.ledger).rows()

    def until_rang(self, count: int, *, seconds: float = PATIENCE) -> None:
        """Wait until the carrier has placed so many calls."""
        patience_ends = monotonic() + seconds
        while len(self.rang()) < count:
            assert monotonic() < patience_ends, f"{count} calls were not placed within {seconds} s\n{self.story()}"
            self._pause()

    def until_untaken(self) -> None:
        """Wait until the carrier has sent events, or is about to, that nobody has taken."""
        patience_ends = monotonic() + PATIENCE
        while not self.simulator_stats()["eventsWaiting"]:
            assert monotonic() < patience_ends, self.story()
            self._pause()

    def until_called(self, count: int, *, seconds: float = PATIENCE) -> None:
        """Wait until so many calls were dialled."""
        self.until("SELECT count(*) >= %s FROM calls WHERE dialed_at IS NOT NULL", count, seconds=seconds)

    def until_at(self, status: str, count: int, *, seconds: float = PATIENCE) -> None:
        """Wait until so many calls stand at `status`."""
        self.until("SELECT count(*) >= %s FROM calls WHERE status = %s", count, status, seconds=seconds)

    @contextmanager
    def held_up(self, table: str) -> Iterator[None]:
        """Whoever inserts into `table` meanwhile waits in the middle of a transaction."""
        with psycopg.connect(self.dsn) as holder:
            holder.execute(f"LOCK TABLE {table} IN SHARE MODE".encode())
            yield
            holder.rollback()

    def newest_dialer(self) -> Any:
        """The id of the dialer that registered last."""
        return self.one("SELECT id FROM dialers ORDER BY started_at DESC LIMIT 1")

    def until_completed(self, *, seconds: float = PATIENCE) -> None:
        """Wait for the campaign's end; nobody was rung twice, and nothing is left over."""
        self.until("SELECT status = 'completed' FROM campaigns WHERE id = %s", self.campaign, seconds=seconds)
        self.hold()
        open_contacts = self.rows("SELECT status, count(*) FROM campaign_contacts GROUP BY 1")
        assert {status for status, _ in open_contacts} <= set(FINISHED), open_contacts
        assert self.lost() == 0, "capacity was lost"
        tallied = self.rows("SELECT status, sum(n)::int FROM campaign_tallies GROUP BY 1 HAVING sum(n) <> 0")
        assert sorted(tallied) == sorted(open_contacts)

    def duplicates(self) -> int:
        """Placements beyond one for each call, and calls beyond one for each attempt, by the carrier's own ledger."""
        rang = Counter(row.call_id for row in self.rang())
        attempts = "SELECT count(DISTINCT (campaign_id, contact_id, generation, attempt)) FROM calls WHERE id = ANY(%s)"
        return sum(rang.values()) - int(self.one(attempts, list(rang)))

    def lost(self) -> int:
        """Contacts that are neither finished nor scheduled, and places taken by calls."""
        return int(self.one(LOST))

    def hold(self) -> None:
        """What rang, by the carrier's own ledger, is what was dialled, each attempt once."""
        rang = Counter(row.call_id for row in self.rang())
        assert not [id for id, times in rang.items() if times > 1], "a call was placed twice"
        calls = {
            id: (attempt, outcome)
            for id, *attempt, outcome in self.rows(
                """SELECT id, campaign_id, contact_id, generation, attempt, outcome FROM calls
                WHERE dialed_at IS NOT NULL"""
            )
        }
        assert rang.keys() <= calls.keys(), "somebody was rung without a commit to dial"
        attempts = Counter(tuple(calls[id][0]) for id in rang)
        assert not [attempt for attempt, times in attempts.items() if times > 1], "an attempt was rung twice"
        mistaken = [id for id in rang if calls[id][1] == "not_placed"]
        assert not mistaken, "a call rang and was taken for not placed"
        silent = [id for id, call in calls.items() if call[1] not in (None, "not_placed", "unknown") and id not in rang]
        assert not silent, "a call that never rang has an end"

    def _pause(self) -> None:
        for _ in self._db.notifies(timeout=0.05):
            pass

    def story(self) -> str:
        """Where everything stands, for a drill that failed."""
        tables = (
            "SELECT status, phase, updated_at::text FROM campaigns",
            "SELECT status, last_outcome, count(*) FROM campaign_contacts GROUP BY 1, 2",
            "SELECT status, outcome, dialer_id::text, count(*) FROM calls GROUP BY 1, 2, 3",
            "SELECT id::text, started_at::text, heartbeat_at::text, fenced_at::text FROM dialers ORDER BY 2",
            "SELECT state, wait_event, left(query, 80), count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4",
        )
        told = [str(row) for table in tables for row in self.rows(table)]
        return "\n".join([*told, self.processes.logs()])
