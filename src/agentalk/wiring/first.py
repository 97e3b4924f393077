"""The first start: an organization and a token to begin with."""

from dataclasses import dataclass
from datetime import datetime

from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.organization import Organization, Role
from agentalk.operations import campaigns, organizations, tokens
from agentalk.operations.organizations import NewOrganization
from agentalk.operations.tokens import NewToken
from agentalk.store.database import Database, Tx

DEMO = "Demo"


class NotForDemos(Exception):
    """The demo keeps out of a database that others use; the message says what to do."""


@dataclass(frozen=True)
class Key:
    """An organization and a token for it. The token is known here and nowhere else."""

    organization: Organization
    token: str


async def first_key(database: Database, now: datetime) -> Key | None:
    """An organization `default` with a token, if there is no organization at all; else None."""
    return await database.run(_first_key, now)


async def _key(tx: Tx, organization: Organization, token_name: str, now: datetime) -> Key:
    """An admin token for an organization."""
    issued = await tokens.create(tx, organization.id, NewToken(name=token_name, role=Role.ADMIN), now)
    if issued.token is None:
        raise RuntimeError("a token just made is shown")
    return Key(organization, issued.token)


async def demo_key(database: Database, now: datetime) -> Key:
    """A fresh organization for a demo; what earlier demos left active is paused. Raises `NotForDemos`."""
    return await database.run(_demo_key, now)


async def _demo_key(tx: Tx, now: datetime) -> Key:
    # The demo's engine runs on a clock of its own and calls for everyone in the database: it must be among its own.
    found, total = await organizations.page(tx, None, 1000, 0)
    if total > len(found) or any(one.name != DEMO for one in found):
        raise NotForDemos(
            "This database holds organizations that are not the demo's, and the demo would call their contacts."
            " Choose another folder with --data-dir, or unset DATABASE_URL."
        )
    active, _ = await campaigns.page(tx, None, CampaignStatus.ACTIVE, 1000, 0)
    for campaign in active:
        await campaigns.pause(tx, campaign.organization_id, campaign.id, now)
    return await _key(tx, await organizations.create(tx, NewOrganization(name=DEMO), now), "demo", now)


async def _first_key(tx: Tx, now: datetime) -> Key | None:
    organization = await organizations.create_first(tx, NewOrganization(name="default"), now)
    return await _key(tx, organization, "first", now) if organization else None
