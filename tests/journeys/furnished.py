"""A server, as `agentalk serve` starts it, with an organization in it that has something to show."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from psycopg.conninfo import conninfo_to_dict

from tests.journeys.drill import daylight
from tests.journeys.program import SECONDS, Serving, agentalk, serving
from tests.postgres.folders import enterable

PEOPLE = {"ada": "+12125550100", "bob": "+442079460000", "cy": "+12125550102"}
NEVER: dict[str, Any] = {"slots": []}
ALWAYS = {
    "slots": [
        {"day": day, "start": "00:00", "end": "24:00"}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    ]
}


@dataclass(frozen=True)
class Furnished:
    """The running server and what is in it: contacts `ada`, `bob` and `cy`, an agent, and two campaigns that call
    nobody: `draft`, and `active` with `ada` in it."""

    serving: Serving
    database_url: str
    client: httpx.Client
    organization: str
    agent: str
    draft: str
    active: str

    @property
    def url(self) -> str:
        return self.serving.url

    @property
    def token(self) -> str:
        return self.serving.token

    def root(self) -> str:
        """A superuser's token, made as an operator would."""
        options = ("--organization", self.organization, "--role", "admin", "--superuser", "--json")
        token: str = agentalk("tokens", "create", *options, DATABASE_URL=self.database_url).json["token"]
        return token

    def call(self) -> str:
        """A call to `cy`, as the engine has begun it: where it is day."""
        there = {"phone": PEOPLE["cy"], "timeZone": daylight(datetime.now(UTC))}
        assert self.client.put("/api/contacts/cy", json=there).status_code == 200
        campaign = made(self.client, "/api/campaigns", name="Autumn", agentId=self.agent, window=ALWAYS)
        self.client.post(f"/api/campaigns/{campaign}/contacts", json={"contactIds": ["cy"]})
        self.client.post(f"/api/campaigns/{campaign}/start")
        patience_ends = monotonic() + SECONDS
        while not (calls := self.client.get("/api/calls").json()["data"]):
            assert monotonic() < patience_ends, "nobody was called"
        return str(calls[0]["id"])


def made(client: httpx.Client, path: str, **body: Any) -> str:
    """The id of what was created."""
    response = client.post(path, json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


@contextmanager
def furnished(dsn: str) -> Iterator[Furnished]:
    """The server on a fresh database, without a rate limit."""
    url = "postgresql:///?" + urlencode(conninfo_to_dict(dsn), quote_via=quote)
    with (
        enterable() as folder,
        serving(folder, "--port", 0, first=True, DATABASE_URL=url, AGENTALK_RATE_LIMIT="0") as server,
        httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token}"}) as client,
    ):
        for id, phone in PEOPLE.items():
            assert client.put(f"/api/contacts/{id}", json={"phone": phone}).status_code == 201
        agent = made(client, "/api/agents", name="Reminder", firstMessage="Hello {{name}}")
        draft, active = (
            made(client, "/api/campaigns", name=name, agentId=agent, window=NEVER) for name in ("Spring", "Summer")
        )
        assert client.post(f"/api/campaigns/{active}/contacts", json={"contactIds": ["ada"]}).json()["added"] == 1
        assert client.post(f"/api/campaigns/{active}/start").json()["status"] == "active"
        organization = server.token.partition(".")[0]
        yield Furnished(server, url, client, organization, agent, draft, active)
