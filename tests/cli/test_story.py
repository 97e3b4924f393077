"""The demo's verdict: what the ledger may hold against it, and that it does not wait for ever."""

from typing import Any
from uuid import UUID

import pytest

from agentalk.cli.client import Client
from agentalk.cli.demo import story as story_module
from agentalk.cli.demo.story import Story, judge
from agentalk.cli.exits import Failure
from agentalk.domain.clock import Clock
from agentalk.wiring.carriers import Rang
from tests.cli.canned import Answer, Asked, canned

ONE, TWO = (f"019c0000-0000-7000-8000-00000000000{n}" for n in (1, 2))
COUNTS = dict.fromkeys(("pending", "calling", "waiting", "completed", "exhausted", "skipped", "canceled", "total"), 0)


def call(
    id: str, contact: str = "ada", attempt: int = 1, answered: str | None = "2026-11-25T15:40:00Z"
) -> dict[str, Any]:
    return {"id": id, "contactId": contact, "attempt": attempt, "answeredAt": answered}


def rang(*ids: str) -> list[Rang]:
    return [Rang(UUID(id), "+12125550100") for id in ids]


def test_a_promise_kept() -> None:
    assert judge([], []) == []
    assert judge([call(ONE), call(TWO, attempt=2)], rang(ONE, TWO)) == []


def test_a_call_that_was_never_placed_needs_no_ring() -> None:
    assert judge([call(ONE), call(TWO, attempt=2, answered=None)], rang(ONE)) == []


@pytest.mark.parametrize(
    ("calls", "rings", "said"),
    [
        ([call(ONE)], rang(ONE, ONE), "was placed 2 times"),
        ([call(ONE), call(TWO)], rang(ONE, TWO), "attempt 1 at ada was dialled 2 times"),
        ([call(ONE)], rang(ONE, TWO), "not in ours"),
        ([call(ONE), call(TWO, "bob")], rang(ONE), "not in the carrier's ledger"),
    ],
)
def test_a_promise_broken(calls: list[dict[str, Any]], rings: list[Rang], said: str) -> None:
    faults = judge(calls, rings)

    assert len(faults) == 1
    assert said in faults[0]


async def test_a_demo_in_which_nobody_is_called_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story_module, "_STUCK_SECONDS", 0.05)
    monkeypatch.setattr(story_module, "LOOK_SECONDS", 0.01)
    counts = {**COUNTS, "pending": 1, "total": 1}

    def reply(asked: Asked) -> Answer:
        if "/calls" in asked.path:
            return Answer(200, {"data": [], "pagination": {"total": 0, "cursor": None}})
        if "/contacts" in asked.path:
            return Answer(200, {"data": [{"contactId": "ada"}], "pagination": {"total": 1, "cursor": None}})
        return Answer(200, {"id": ONE, "name": "n", "status": "active", "phase": "dialing", "counts": counts})

    with canned(reply) as server:
        async with Client(server.url, "t") as client:
            story = Story(client, Clock())
            story.campaign = ONE
            with pytest.raises(Failure, match="1 contacts are due"):
                async for _ in story.call():
                    pass
