"""Commands as clients: what they send, and what becomes of what they are answered."""

import json
import socket
from typing import Any

import pytest

from agentalk.cli.app import run
from agentalk.cli.exits import Exit
from tests.cli.canned import Answer, Asked, canned

ID = "019c0000-0000-7000-8000-000000000001"
COUNTS = dict.fromkeys(("total", "pending", "calling", "waiting", "completed", "exhausted", "skipped", "canceled"), 0)
CAMPAIGN = {"id": ID, "name": "Spring", "status": "draft", "phase": None, "counts": COUNTS}


def problem(status: int, detail: str, **more: Any) -> Answer:
    return Answer(status, {"status": status, "detail": detail, "code": "x", **more})


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTALK_TOKEN", f"{ID}.agt_secret")


def answered(monkeypatch: pytest.MonkeyPatch, answer: Answer, *arguments: str) -> tuple[int, list[Asked]]:
    with canned(lambda _: answer) as server:
        monkeypatch.setenv("AGENTALK_URL", server.url)
        return run(arguments), server.asked


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (problem(401, "The token has expired. Create a new one."), Exit.UNAUTHENTICATED, "The token has expired."),
        (problem(403, "Not yours."), Exit.UNAUTHENTICATED, "Not yours."),
        (problem(404, "There is no campaign."), Exit.REFUSED, "There is no campaign."),
        (problem(409, "It is stopped."), Exit.REFUSED, "It is stopped."),
        (
            problem(400, "Two fields are wrong.", errors=[{"field": "name", "message": "is empty"}]),
            Exit.REFUSED,
            "Two fields are wrong; `name` is empty.",
        ),
        (problem(503, "The database is away."), Exit.UNREACHABLE, "The database is away."),
        (Answer(502, b"<html>"), Exit.UNREACHABLE, "answered 502"),
        (Answer(418, ["tea"]), Exit.REFUSED, "answered 418"),
        (Answer(200, b"<html>hello"), Exit.UNREACHABLE, "is not Agentalk"),
    ],
)
def test_a_refusal_is_one_sentence_and_a_code(
    answer: Answer,
    code: Exit,
    said: str,
    token: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert answered(monkeypatch, answer, "campaigns", "show", ID)[0] == code

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: ")
    assert said in shown.err
    assert shown.err.count("\n") == 1


def test_a_request_that_comes_too_soon_is_sent_again(token: None, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [problem(429, "Too many requests."), Answer(200, CAMPAIGN)]
    answers[0].headers["Retry-After"] = "0"
    with canned(lambda _: answers.pop(0)) as server:
        monkeypatch.setenv("AGENTALK_URL", server.url)

        assert run(["campaigns", "show", ID]) == Exit.DONE
        assert len(server.asked) == 2


def test_nobody_there(token: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    monkeypatch.setenv("AGENTALK_URL", f"http://127.0.0.1:{port}")

    assert run(["campaigns", "list"]) == Exit.UNREACHABLE
    assert "agentalk serve" in capsys.readouterr().err


@pytest.mark.parametrize("token", [None, "two\nlines", "caf\u00e9"])
def test_no_usable_token(
    token: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AGENTALK_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("AGENTALK_TOKEN", token)

    assert run(["contacts", "list"]) == Exit.UNAUTHENTICATED
    assert "AGENTALK_TOKEN" in capsys.readouterr().err


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AGENTALK_URL", "localhost")

    assert run(["contacts", "list"]) == Exit.USAGE
    assert "AGENTALK_URL" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["campaigns", "fly"],
        ["campaigns", "show"],
        ["campaigns", "show", "not-a-uuid"],
        ["campaigns", "add-contacts", ID],
        ["campaigns", "add-contacts", ID, "a", "--all"],
        ["campaigns", "create", "Spring", "--agent", ID, "--hours", "9"],
        ["contacts", "import", "no-such-file.csv"],
        ["demo", "--speed", "0"],
        ["tokens", "create", "--organization", ID, "--expires", "soon"],
        ["dialer"],
        ["serve", "--carrier", "pigeon"],
    ],
)
def test_wrong_usage(arguments: list[str], token: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == Exit.USAGE
    assert capsys.readouterr().err.startswith("Error: ")


def test_what_create_sends(token: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"window": {"timeZoneMode": "contact"}, "retry": {"rules": []}, "priority": 9}))
    command = ["campaigns", "create", "Spring", "--agent", ID, "--caller-id", "+12025550100", "--priority", "3"]
    more = ["--calls-per-second", "2.5", "--hours", "09:00-17:30", "--max-attempts", "2", "--policy", str(policy)]

    code, asked = answered(monkeypatch, Answer(201, CAMPAIGN), *command, *more)

    assert code == Exit.DONE
    assert (asked[0].method, asked[0].path) == ("POST", "/api/campaigns")
    assert asked[0].headers["authorization"] == f"Bearer {ID}.agt_secret"
    body = json.loads(asked[0].body)
    slots = body["window"].pop("slots")
    assert {slot["day"] for slot in slots} == {
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    }
    assert {(slot["start"], slot["end"]) for slot in slots} == {("09:00", "17:30")}
    assert body == {
        "name": "Spring",
        "agentId": ID,
        "callerIds": ["+12025550100"],
        "callsPerSecond": 2.5,
        "priority": 3,
        "window": {"timeZoneMode": "contact"},
        "retry": {"rules": [], "maxAttempts": 2},
    }


def test_start_at_a_time(token: None, monkeypatch: pytest.MonkeyPatch) -> None:
    _, asked = answered(monkeypatch, Answer(200, CAMPAIGN), "campaigns", "start", ID, "--at", "2027-01-01T00:00:00Z")
    _, at_once = answered(monkeypatch, Answer(200, CAMPAIGN), "campaigns", "start", ID)

    assert json.loads(asked[0].body) == {"startAt": "2027-01-01T00:00:00Z"}
    assert at_once[0].body == b""


@pytest.mark.parametrize(("due", "said"), [("2027-01-01T14:00:00Z", "Will be called at 2027"), (None, "after it")])
def test_a_callback_at_the_contacts_own_time(
    due: str | None, said: str, token: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("campaigns", "callback", ID, "crm 47/11", "--at", "2027-01-01T09:00:00")
    _, asked = answered(monkeypatch, Answer(200, {"status": "waiting", "nextAttemptAt": due}), *command)

    assert json.loads(asked[0].body) == {"at": "2027-01-01T09:00:00"}
    assert asked[0].path == f"/api/campaigns/{ID}/contacts/crm%2047%2F11/callback"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text"),
    [("ids.txt", "a\nb\n\nc\n"), ("ids.csv", "name,id\nAda,a\nBob,b\nCy,c\nDi,\n"), ("ids.csv", "\ufeffid\na\nb\nc\n")],
)
def test_ids_from_a_file(name: str, text: str, token: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    answer = Answer(200, {"requested": 3, "added": 3, "reset": 0, "invalid": 0, "invalidContacts": []})

    _, asked = answered(monkeypatch, answer, "campaigns", "add-contacts", ID, "--file", str(tmp_path / name))

    assert json.loads(asked[0].body) == {"contactIds": ["a", "b", "c"]}
