"""`agentalk serve` from its first start on, with its commands as clients."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from agentalk.domain.window import WEEK
from agentalk.postgres.processes import running
from tests.journeys.drill import daylight
from tests.journeys.program import Serving, agentalk, command, end, serving, start

FAST = json.dumps(
    {"weights": {"answered": 3, "busy": 1, "no_answer": 1}, "ringSeconds": [0, 0.2], "talkSeconds": [0, 1]}
)
AT_ANY_TIME = {"slots": [{"day": day, "start": "00:00", "end": "24:00"} for day in WEEK]}
ONCE = json.dumps({"window": AT_ANY_TIME, "retry": {"maxAttempts": 1}})
SECRET = {"AGENTALK_SIMULATOR_SECRET": "s"}


@contextmanager
def a_quick_carrier(place: Path) -> Iterator[tuple[str, str]]:
    """A carrier whose calls are short: the options by which a server finds it."""
    simulator = start("simulator", "--port", 0, "--ledger", place / "ledger", "--mix", FAST, **SECRET)
    try:
        assert simulator.stdout
        yield "--carrier-url", simulator.stdout.readline().split()[-1]
    finally:
        end(simulator)


def test_the_first_start_prints_a_token_and_no_other_does(bare: Path) -> None:
    with serving(bare / "data", "--port", 0, first=True) as server:
        assert str(bare / "data") in server.said
        assert f"{server.url}/docs" in server.said
        answer = httpx.get(f"{server.url}/api/campaigns", headers={"Authorization": f"Bearer {server.token}"})
        assert answer.json()["data"] == []
        listed = command("organizations", "list", "--json", "--data-dir", bare / "data").json
        assert [one["name"] for one in listed["data"]] == ["default"]
        assert listed["data"][0]["id"] in server.said
    token = server.token

    with serving(bare / "data", "--port", 0, first=False) as again:
        assert again.command("campaigns", "list", token=token).code == 0
        done = end(again.process)

    assert done.code == 0
    assert "agt_" not in again.said + done.out


def test_one_folder_has_one_server(place: Path) -> None:
    with serving(place / "data", "--port", 0, first=True) as server:
        same_folder = agentalk("serve", "--data-dir", place / "data", "--port", 0)
        same_port = agentalk("serve", "--data-dir", place / "other", "--port", server.port)

    assert (same_folder.code, same_port.code) == (1, 1)
    assert "is in use by" in same_folder.err
    assert f"127.0.0.1:{server.port} cannot be listened on" in same_port.err
    assert not (place / "other").exists()


def test_operators_work_beside_the_server(place: Path) -> None:
    data = ("--data-dir", place / "data")
    with serving(place / "data", "--port", 0, first=True) as server:
        organization = command("organizations", "create", "Acme", "--json", *data).json["id"]
        made = command("tokens", "create", "--organization", organization, "--role", "read", "--json", *data).json
        assert server.command("campaigns", "list", token=made["token"]).code == 0
        refused = server.command("agents", "create", "A", "--first-message", "Hi", token=made["token"])
        assert (refused.code, refused.out) == (4, "")

        assert command("tokens", "revoke", made["id"], *data).code == 0
        revoked = server.command("campaigns", "list", token=made["token"])
        assert revoked.code == 4
        assert "revoked" in revoked.err

        shown = command("tokens", "list", "--organization", organization, "--json", *data)
        assert shown.json["data"][0]["revokedAt"]
        assert made["token"].rpartition(".")[2] not in shown.out

        assert command("db", "backup", place / "backup", *data).code == 0
        assert command("db", "url", *data).out.startswith("postgresql://")
        assert command("db", "migrate", "--json", *data).json == {"applied": []}

    assert command("db", "url", *data).code == 3
    assert command("db", "restore", place / "backup", "--data-dir", place / "copy").code == 0
    copied = command("organizations", "list", "--json", "--data-dir", place / "copy").json
    assert {one["name"] for one in copied["data"]} == {"default", "Acme"}


def test_a_campaign_from_a_file_by_commands_alone(place: Path) -> None:
    rows = ["id,phone,name,timeZone,plan"]
    rows += [f"c{n},+1212555000{n},Ada {n},{daylight(datetime.now(UTC))},pro" for n in range(6)]
    rows += ["bad,call me,Bob,,", ",+12125550100,Cy,Mars/Olympus,"]
    (place / "people.csv").write_text("\n".join(rows))
    (place / "policy.json").write_text(ONCE)

    with (
        a_quick_carrier(place) as carrier,
        serving(place / "data", "--port", 0, *carrier, first=True, **SECRET) as server,
    ):
        imported = server.command("contacts", "import", place / "people.csv", "--json")
        assert imported.code == 0
        assert imported.json["created"] == 6
        assert imported.json["refused"] == 2
        refused = (place / "people.refused.csv").read_text().splitlines()
        assert refused[0] == "line,reason,id,phone,name,timeZone,plan"
        assert [line.partition(",")[0] for line in refused[1:]] == ["8", "9"]
        assert "Mars/Olympus" in refused[2]
        assert server.command("contacts", "import", place / "people.refused.csv").code == 1
        assert len(server.command("contacts", "list").out.splitlines()) == 7

        agent = server.command("agents", "create", "A", "--first-message", "Hello {{name}}", "--json").json["id"]
        options = ("--agent", agent, "--calls-per-second", 100, "--policy", place / "policy.json", "--json")
        campaign = server.command("campaigns", "create", "Spring", *options).json["id"]
        added = server.command("campaigns", "add-contacts", campaign, "--all", "--json").json
        assert (added["added"], added["invalid"]) == (6, 0)
        assert server.command("campaigns", "pause", campaign).code == 1
        assert server.command("campaigns", "start", campaign, "--json").json["status"] == "active"

        watched = server.command("campaigns", "watch", campaign, "--until-done", "--interval", 0.2, "--json")
        assert watched.code == 0
        last = json.loads(watched.out.splitlines()[-1])
        assert last["campaign"]["status"] == "completed"
        assert last["calls"] == 6
        told = server.command("campaigns", "watch", campaign, "--until-done").out
        assert told.startswith("completed; 6/6 ended (")
        counts = server.command("campaigns", "show", campaign, "--json").json["counts"]
        assert counts["completed"] + counts["exhausted"] == 6
        assert "completed" in server.command("campaigns", "list").out


def kill(server: Serving, data_dir: Path) -> None:
    """All of it at once, the database too."""
    database = running(data_dir / "postgres" / "cluster")
    assert database
    os.kill(database.pid, signal.SIGKILL)
    server.process.kill()
    server.process.wait()


def test_a_killed_server_goes_on_where_it_was(place: Path) -> None:
    zone = daylight(datetime.now(UTC))
    people = "\n".join(["phone,timeZone", *(f"+1212555{n:04d},{zone}" for n in range(80))])
    (place / "people.csv").write_text(people)
    (place / "policy.json").write_text(ONCE)
    with a_quick_carrier(place) as carrier:
        with serving(place / "data", "--port", 0, *carrier, first=True, **SECRET) as server:
            server.command("contacts", "import", place / "people.csv")
            agent = server.command("agents", "create", "A", "--first-message", "Hi", "--json").json["id"]
            pace = ("--calls-per-second", 40, "--max-concurrency", 50, "--policy", place / "policy.json")
            options = ("--agent", agent, *pace)
            campaign = server.command("campaigns", "create", "Spring", *options, "--json").json["id"]
            server.command("campaigns", "add-contacts", campaign, "--all")
            server.command("campaigns", "start", campaign)
            who = {"AGENTALK_URL": server.url, "AGENTALK_TOKEN": server.token}
            watch = start("campaigns", "watch", campaign, "--json", "--interval", 0.1, **who)
            assert watch.stdout
            while json.loads(watch.stdout.readline())["campaign"]["counts"]["completed"] < 10:
                pass
            end(watch)
            kill(server, place / "data")

        with serving(place / "data", "--port", server.port, *carrier, first=False, **SECRET) as again:
            watched = again.command("campaigns", "watch", campaign, "--until-done", "--json", token=server.token)
            counts = json.loads(watched.out.splitlines()[-1])["campaign"]["counts"]
            calls = again.command("campaigns", "show", campaign, "--json", token=server.token)
            assert calls.json["status"] == "completed"

    ended = counts["completed"] + counts["exhausted"]
    assert (counts["total"], ended) == (80, 80), counts
    lines = [json.loads(line) for line in (place / "ledger").read_text().splitlines()]
    rang = Counter(line["phone"] for line in lines if line["line"] == "placed")
    assert set(rang.values()) == {1}
    assert len(rang) == 80
