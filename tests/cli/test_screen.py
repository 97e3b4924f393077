"""What a watched campaign looks like."""

import io
from typing import Any

import pytest
from rich.console import Console

from agentalk.cli.client import Client
from agentalk.cli.looks import Look, Watcher
from agentalk.cli.screen import PARTS, board, duration, line, prospect, widths
from tests.cli.canned import Answer, Asked, canned

ID = "019c0000-0000-7000-8000-000000000001"


def counts(**given: int) -> dict[str, int]:
    return {**dict.fromkeys(PARTS, 0), **given, "total": sum(given.values())}


def look(status: str = "active", phase: str | None = "dialing", left: float | None = 42.0, **given: int) -> Look:
    campaign = {"id": ID, "name": "Spring", "status": status, "phase": phase, "counts": counts(**given)}
    calls = [call("in_progress", None, 0), call("ended", "answered", 31.4), call("ended", "busy", None)]
    return Look(campaign, calls, 17, 3.25, left)


def call(status: str, outcome: str | None, seconds: float | None) -> dict[str, Any]:
    return {
        "contactId": f"c-{outcome}",
        "phone": "+12125550100",
        "attempt": 1,
        "status": status,
        "outcome": outcome,
        "dialedAt": "2026-11-25T15:40:00.123456Z",
        "durationSeconds": seconds,
    }


def drawn(shown: Any, width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
    console.print(shown)
    return console.export_text()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_board_shows_what_there_is_and_fits(width: int) -> None:
    text = drawn(board(look(completed=40, waiting=2, pending=58)), width)

    for said in (
        "Spring",
        "active",
        "40 completed",
        "58 pending",
        "17 calls",
        "3.2 calls/s",
        "about 42 s left",
        "busy",
    ):
        assert said in text
    assert max(len(row) for row in text.splitlines()) <= width


def test_a_line_says_the_same() -> None:
    assert line(look(completed=40, waiting=2, pending=58)) == (
        "active; 40/100 ended (40 completed, 2 waiting, 58 pending); 17 calls, 3.2/s; about 42 s left"
    )


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (look("active", "outside_window", None), "outside their calling hours"),
        (look("active", "waiting"), "waiting for the next attempt"),
        (look("active", "dialing", None), "dialing"),
        (look("paused", None), ""),
    ],
)
def test_the_prospect(shown: Look, said: str) -> None:
    assert said in prospect(shown)
    assert bool(said) == bool(prospect(shown))


@pytest.mark.parametrize(
    "given", [{"completed": 1}, {"completed": 10_000, "canceled": 1}, dict.fromkeys(PARTS, 1), {"pending": 3}]
)
def test_the_bar_is_full_and_hides_nothing(given: dict[str, int]) -> None:
    cells = widths(counts(**given), 40)

    assert sum(cells.values()) == 40
    assert all(cells[name] >= 1 for name in given)


def test_an_empty_campaign_has_no_bar() -> None:
    assert widths(counts(), 40) == {}


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "0 s"), (89, "89 s"), (91, "2 min"), (7200, "2.0 h"), (200_000, "2 days")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


async def test_a_watcher_learns_the_pace() -> None:
    moments = iter([0.0, 10.0, 20.0])
    states = iter([(0, counts(pending=100)), (20, counts(completed=10, pending=90)), (80, counts(completed=100))])
    state = next(states)

    def reply(asked: Asked) -> Answer:
        if "/calls" in asked.path:
            return Answer(200, {"data": [], "pagination": {"total": state[0]}})
        return Answer(200, {"id": ID, "name": "n", "status": "active", "phase": "dialing", "counts": state[1]})

    with canned(reply) as server:
        async with Client(server.url, "t") as client:
            watcher = Watcher(client, ID, timer=lambda: next(moments))
            first = await watcher.look()
            state = next(states)
            second = await watcher.look()
            state = next(states)
            third = await watcher.look()

    assert (first.calls_per_second, first.seconds_left) == (0.0, None)
    assert (second.calls_per_second, second.seconds_left) == (2.0, 90.0)
    assert (third.calls_per_second, third.seconds_left, third.ended) == (4.0, None, 100)
