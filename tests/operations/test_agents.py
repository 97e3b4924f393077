"""An agent is not deleted from under a campaign that starts at the same moment."""

import asyncio

import pytest

from agentalk.domain.errors import Conflict
from agentalk.operations import agents, campaigns
from tests.builders import a_campaign, an_agent, an_organization
from tests.conftest import NOW, LazyDatabase
from tests.operations.watching import until_waiting


async def test_a_deletion_waits_for_a_start_and_then_is_refused(db: LazyDatabase) -> None:
    async with db() as database:
        async with database.transaction() as tx:
            org = await an_organization(tx)
            agent = await an_agent(tx, org)
            campaign = await a_campaign(tx, org, agent.id)

        async with database.transaction() as starting:
            await campaigns.start(starting, org, campaign, None, NOW)
            deletion = asyncio.create_task(database.run(agents.delete, org, agent.id, NOW))
            await until_waiting(database)

        with pytest.raises(Conflict):
            await deletion
