"""Who asked not to be called is not called again, by any campaign of the organization."""

from typing import Any

from agentalk.domain.call import Outcome
from agentalk.domain.ids import ContactId
from agentalk.operations.campaign_contacts import add
from tests.conftest import NOW
from tests.dialer.scene import only, scene

PHONE = "+12125550100"


async def test_an_opt_out_holds_for_every_campaign_and_every_contact_of_the_number(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.OPTED_OUT)) as stage:
        first = await stage.campaign([PHONE])
        await stage.tick()
        waiting = await stage.campaign([PHONE, "+12125550101"])
        await stage.pass_time(minutes=1)
        assert await stage.counts(first) == {"skipped": 1}
        await stage.tick()
        assert await stage.counts(waiting) == {"skipped": 1, "calling": 1}
        assert len(stage.placements()) == 2

        again = await stage.one("SELECT contact_id FROM campaign_contacts WHERE campaign_id = %s", first)
        async with stage.database.transaction() as tx:
            added = await add(tx, stage.org, first, [ContactId(again)], NOW)
        assert (added.reset, [contact.reason for contact in added.invalid_contacts]) == (0, ["opted_out"])


async def test_an_opt_out_between_claim_and_dialing_releases_the_call(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE])
        await stage.dialer_dispatch_after(
            "INSERT INTO opt_outs VALUES (%s, %s, gen_random_uuid(), %s)", stage.org, PHONE, NOW
        )()
        assert stage.placements() == []
        assert await stage.counts(campaign) == {"skipped": 1}
        assert [(status, outcome) for _, status, _, outcome in await stage.calls(campaign)] == [("released", None)]
        assert await stage.one("SELECT data ->> 'skipReason' FROM events WHERE type = 'contact.skipped'") == "opted_out"
