"""Whose turn it is, and who gets a place that becomes free."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest

from agentalk.carriers.carrier import PlaceAnswer, Placement
from agentalk.carriers.simulator.world import Mix
from agentalk.dialer.claim import MOST_PER_TURN
from agentalk.dialer.dispatch import MOST_UNDER_WAY
from agentalk.dialer.turns import NEVER, Agenda, Slots
from agentalk.domain.call import Outcome
from agentalk.domain.ids import OrgId
from tests.conftest import NOW
from tests.dialer.scene import Scene, scene

A, B, C = (OrgId(UUID(int=n)) for n in (1, 2, 3))
SECOND = timedelta(seconds=1)
LONG = Mix(weights={Outcome.ANSWERED: 1.0}, ring_seconds=(2.0, 2.0), talk_seconds=(3600.0, 3600.0))


def an_agenda(*orgs: OrgId) -> Agenda:
    """Everybody had a turn at NOW, and asked for nothing."""
    agenda = Agenda()
    agenda.keep(orgs, NOW)
    for org in orgs:
        agenda.begin(org, NOW, 100.0)
        agenda.end(org, None)
    return agenda


def test_who_is_new_is_due_at_once_and_who_is_idle_gets_a_look_in_a_while() -> None:
    agenda = an_agenda(A, B)
    agenda.keep([A, B, C], NOW)
    assert agenda.due(NOW, 100.0) == [C]
    agenda.begin(C, NOW, 100.0)
    assert agenda.due(NOW, 114.0) == []
    assert set(agenda.due(NOW, 115.0)) == {A, B, C}
    assert agenda.earliest == NEVER


def test_the_longest_due_goes_first_and_only_who_is_due() -> None:
    agenda = an_agenda(A, B, C)
    agenda.end(A, NOW + 3 * SECOND)
    agenda.end(B, NOW + SECOND)
    agenda.wake(C, NOW + 2 * SECOND)
    assert agenda.earliest == NOW + SECOND
    assert agenda.due(NOW + 2 * SECOND, 100.0) == [B, C]


def test_what_wakes_it_during_its_turn_is_for_the_next() -> None:
    agenda = an_agenda(A)
    agenda.begin(A, NOW, 100.0)
    agenda.wake(A, NOW)
    agenda.end(A, NOW + 60 * SECOND)
    assert agenda.due(NOW + timedelta(milliseconds=20), 100.0) == [A]


def test_what_wakes_it_right_after_its_turn_waits_for_more_of_the_same() -> None:
    agenda = an_agenda(A)
    agenda.wake(A, NOW + timedelta(milliseconds=1))
    agenda.wake(A, NOW + timedelta(milliseconds=2))
    assert agenda.due(NOW + timedelta(milliseconds=19), 100.0) == []
    assert agenda.due(NOW + timedelta(milliseconds=20), 100.0) == [A]


def test_who_has_no_work_any_more_is_forgotten() -> None:
    agenda = an_agenda(A, B)
    agenda.starve(A)
    agenda.keep([B], NOW)
    assert agenda.starved == []
    agenda.look_at_all()
    assert agenda.due(NOW + SECOND, 100.0) == [B]


def test_who_is_woken_while_it_is_looked_who_has_work_is_not_forgotten() -> None:
    agenda = an_agenda(A)
    agenda.wake(B, NOW)
    agenda.keep([A], NOW)
    assert agenda.due(NOW, 100.0) == [B]


def test_who_is_due_goes_before_those_that_only_get_a_look() -> None:
    orgs = [OrgId(UUID(int=n)) for n in range(100)]
    agenda = an_agenda(*orgs)
    agenda.look_at_all()
    agenda.wake(orgs[90], NOW + SECOND)
    first = agenda.due(NOW + SECOND, 100.0)
    assert first[0] == orgs[90]
    assert agenda.behind
    seen = set(first)
    while agenda.behind:
        for org in first:
            agenda.begin(org, NOW + SECOND, 100.0)
            agenda.end(org, None)
        first = agenda.due(NOW + SECOND, 100.0)
        seen |= set(first)
    assert seen == set(orgs)


async def test_turns_side_by_side_share_what_is_free() -> None:
    slots = Slots(5)
    assert await slots.lend(3) == 3
    assert await slots.lend(3) == 2
    third = asyncio.create_task(slots.lend(3))
    await asyncio.sleep(0)
    assert not third.done()
    slots.give_back(3, used=1)
    assert await third == 2
    slots.give_back(2, used=2)
    slots.give_back(2, used=2)
    assert await slots.lend(3) == 0


async def test_one_of_many_gets_its_part_and_one_alone_gets_all() -> None:
    slots = Slots(64, sharers=4)
    assert [await slots.lend(200) for _ in range(4)] == [16, 16, 16, 16]
    assert await Slots(64).lend(200) == 64
    assert await Slots(1000, sharers=4).lend(200) == 200
    assert await Slots(1, sharers=4).lend(200) == 1


async def organizations(stage: Scene, count: int, contacts: int) -> list[OrgId]:
    orgs = []
    for _ in range(count):
        stage.org = OrgId(uuid4())
        orgs.append(stage.org)
        await stage.set_up(1000, 1000, 10_000)
        await stage.campaign(contacts)
    return orgs


async def calls_of(stage: Scene, orgs: list[OrgId]) -> list[int]:
    rows = dict(await stage.sql("SELECT organization_id, count(*) FROM calls GROUP BY 1"))
    return [rows.get(org, 0) for org in orgs]


async def test_organizations_side_by_side_take_no_more_places_than_the_dialer_has(db: Any) -> None:
    async with scene(db, NOW, mix=LONG) as stage:
        orgs = await organizations(stage, 6, 5)
        await stage.tick(stage.new_dialer(slots=17))
        assert len(stage.placements()) == 17
        assert sorted(await calls_of(stage, orgs)) == [0, 0, 2, 5, 5, 5]


async def test_places_that_others_had_no_use_for_are_used_at_once(db: Any) -> None:
    async with scene(db, NOW, mix=LONG) as stage:
        hungry, idle = await organizations(stage, 1, 40), await organizations(stage, 1, 0)
        dialer = stage.new_dialer(slots=8)
        moment = await stage.tick(dialer)
        while moment is not None and moment < NOW:
            moment = await dialer.tick(NOW, [])
            await dialer.settle()
        assert await calls_of(stage, hungry + idle) == [8, 0]


async def test_a_place_that_becomes_free_goes_round(db: Any) -> None:
    async with scene(db, NOW, mix=LONG) as stage:
        first = stage.org
        await stage.campaign(40)
        dialer = stage.new_dialer(slots=10)
        await stage.tick(dialer)
        others = await organizations(stage, 3, 40)
        await stage.tick(dialer)
        for _ in range(12):
            # A call of the first one ends: that organization is woken, and yet it is not its place.
            await stage.sql(
                """UPDATE calls SET status = 'ended', outcome = 'busy', ended_at = %s WHERE id =
                   (SELECT id FROM calls WHERE live ORDER BY organization_id <> %s LIMIT 1)""",
                stage.now, first,
            )  # fmt: skip
            await dialer.tick(stage.now, [first])
            await dialer.settle()
        assert await calls_of(stage, [first, *others]) == [13, 3, 3, 3]


async def test_a_slow_carrier_has_few_wait_whom_no_pause_holds_back(db: Any) -> None:
    async with scene(db, NOW, mix=LONG) as stage:
        campaign = await stage.campaign(900)
        answer, place = asyncio.Event(), stage.carrier.place

        async def slowly(placement: Placement, now: datetime) -> PlaceAnswer:
            await answer.wait()
            return await place(placement, now)

        with patch.object(stage.carrier, "place", slowly):
            for _ in range(6):
                await stage.dialer.tick(stage.now)
            assert len(await stage.calls(campaign)) == MOST_PER_TURN < MOST_UNDER_WAY
            answer.set()
            await stage.dialer.settle()
            await stage.tick()
        assert len(stage.placements()) == 2 * MOST_PER_TURN


async def test_what_the_second_check_gave_back_is_looked_at_again_within_a_second(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(db, NOW) as stage:
        await stage.campaign(1)
        await stage.registered()
        assert stage.dialer.dispatcher is not None
        dispatch = stage.dialer.dispatcher.dispatch

        async def after_a_pause(*args: Any) -> int:
            await stage.sql("UPDATE organizations SET max_concurrency = 0")
            return await dispatch(*args)

        monkeypatch.setattr(stage.dialer.dispatcher, "dispatch", after_a_pause)
        assert await stage.tick() == NOW + SECOND
        await stage.sql("UPDATE organizations SET max_concurrency = 1")
        monkeypatch.undo()
        stage.now += SECOND
        await stage.tick()
        assert len(stage.placements()) == 1
