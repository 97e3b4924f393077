"""How often a phone rings, whatever campaigns and dialers would ring it: never more often than any cap allows."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from agentalk.carriers.simulator.faults import Faults
from agentalk.dialer import Dialer
from agentalk.domain.call import Outcome
from agentalk.domain.policy.model import CallingPolicy, CapScope, FrequencyCap
from agentalk.domain.retry import RetryPolicy, RetryRule
from agentalk.operations import campaign_contacts, contacts
from agentalk.operations.contacts import ContactDraft
from tests.conftest import NOW
from tests.dialer.scene import TWICE, Scene, only, scene

DAY = timedelta(days=1)
PERSISTENT = RetryPolicy(max_attempts=50, rules=(RetryRule(Outcome.NO_ANSWER, (10,)),))
ONCE_A_DAY = CallingPolicy(frequency=(FrequencyCap(CapScope.PHONE, 1, 24),))


async def all_at_once(stage: Scene, dialers: Sequence[Dialer], moments: Iterable[datetime]) -> None:
    """A round of every dialer at each of the moments, and all that comes of it."""
    for moment in moments:
        await stage.pass_time(seconds=(moment - stage.now).total_seconds())
        # They were alive all the time: none takes another for dead.
        await stage.sql("UPDATE dialers SET heartbeat_at = %s", stage.now)
        await asyncio.gather(*(dialer.tick(stage.now) for dialer in dialers))
        await asyncio.gather(*(dialer.settle() for dialer in dialers))


async def rings(stage: Scene) -> dict[str, list[datetime]]:
    """When each phone rang, by the calls that the carrier's own ledger knows."""
    rung: dict[str, list[datetime]] = {}
    for phone, at in await stage.sql(
        "SELECT phone, dialed_at FROM calls WHERE id = ANY(%s) ORDER BY dialed_at", stage.placements()
    ):
        rung.setdefault(phone, []).append(at)
    return rung


def most_in_a_day(moments: Sequence[datetime]) -> int:
    return max(sum(1 for other in moments if moment <= other < moment + DAY) for moment in moments)


async def test_one_phone_in_two_campaigns_and_two_formats_under_eight_dialers(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.NO_ANSWER)) as stage:
        for phone in ("+1 (212) 555-0100", "+1.212.555.0100"):
            campaign = await stage.campaign(0, retry=PERSISTENT, policy=TWICE)
            async with stage.database.transaction() as tx:
                contact = await contacts.create(tx, stage.org, ContactDraft(phone=phone), NOW)
                await campaign_contacts.add(tx, stage.org, campaign, [contact.id], NOW)
        dialers = [stage.dialer, *(stage.new_dialer() for _ in range(7))]
        hours = [timedelta(minutes=13 * n) for n in range(9)]
        edge = [DAY + timedelta(seconds=n) for n in (-1, 0, 30, 700, 779, 780, 781, 1600, 2000)]
        await all_at_once(stage, dialers, [NOW + after for after in hours])
        assert [len(moments) for moments in (await rings(stage)).values()] == [3]
        await all_at_once(stage, dialers, [NOW + after for after in edge])

        ((phone, moments),) = (await rings(stage)).items()
        assert phone == "+12125550100"
        assert len(moments) == 6, "as soon as one is a day old, the next is made"
        assert most_in_a_day(moments) == 3
        assert set(Counter(stage.placements()).values()) == {1}


async def test_many_phones_in_two_campaigns_under_eight_dialers(db: Any) -> None:
    phones = [f"+1212555{n:04d}" for n in range(60)]
    async with scene(db, NOW, mix=only(Outcome.NO_ANSWER), max_concurrency=25) as stage:
        for _ in range(2):
            await stage.campaign(phones, retry=PERSISTENT, policy=ONCE_A_DAY)
        dialers = [stage.dialer, *(stage.new_dialer() for _ in range(7))]
        await all_at_once(stage, dialers, [NOW + timedelta(minutes=2 * n) for n in range(12)])
        assert Counter(map(len, (await rings(stage)).values())) == {1: 60}
        await all_at_once(stage, dialers, [NOW + DAY + timedelta(minutes=2 * n) for n in range(12)])
        rung = await rings(stage)
        assert Counter(map(len, rung.values())) == {2: 60}
        assert {most_in_a_day(moments) for moments in rung.values()} == {1}


async def test_a_call_that_was_certainly_not_made_does_not_count(db: Any) -> None:
    async with scene(db, NOW, faults=Faults(server_error=1.0)) as stage:
        campaign = await stage.campaign(1, policy=ONCE_A_DAY)
        for _ in range(4):
            await stage.tick()
            await stage.pass_time(seconds=20)
        assert (await stage.calls(campaign))[0][3] == "not_placed"
        stage.carrier.exchange.faults = Faults()
        for _ in range(4):
            await stage.tick()
            await stage.pass_time(seconds=30)
        assert await stage.counts(campaign) == {"completed": 1}


async def test_a_call_in_doubt_counts(db: Any) -> None:
    async with scene(db, NOW, faults=Faults(accept_then_timeout=1.0)) as stage:
        await stage.campaign(["+12125550100"], policy=ONCE_A_DAY)
        other = await stage.campaign(["+12125550100"], policy=ONCE_A_DAY)
        await stage.tick()
        for _ in range(20):
            await stage.pass_time(minutes=5)
            await stage.tick()
        assert len(stage.placements()) == 1
        waiting = await stage.sql("SELECT wait_reason, due_at FROM campaign_contacts WHERE campaign_id = %s", other)
        assert waiting == [("frequency_cap", NOW + DAY)]
