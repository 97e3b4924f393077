"""Why a contact is called or not. `org` None means every organization's."""

from datetime import datetime, timedelta

from agentalk.domain.explanation import (
    RULES,
    Explanation,
    closed,
    explain_against,
    local_times,
    next_moment,
    tell_policy,
)
from agentalk.domain.ids import CampaignId, ContactId, OrgId
from agentalk.domain.policy.decision import decide
from agentalk.domain.policy.hours import jurisdictions
from agentalk.domain.policy.model import effective
from agentalk.domain.policy.version import policy_version
from agentalk.domain.window import zones_of
from agentalk.operations import campaign_contacts, campaigns
from agentalk.store import explain, facts
from agentalk.store.database import Tx
from agentalk.store.facts import Asked

_AS_FAR_AS_ANY_CAP = timedelta(days=366)


async def explain_contact(
    tx: Tx, org: OrgId | None, campaign: CampaignId, contact: ContactId, now: datetime
) -> Explanation:
    """All about one contact of a campaign: what happened, what decides now, and when a call may go out.

    Raises `NotFound` for either.
    """
    whole = await campaigns.get(tx, org, campaign)
    stands = await campaign_contacts.get(tx, org, campaign, contact)
    standing, theirs, own = await explain.standing(tx, campaign, now)
    inforce, window = effective(theirs, own), whole.window
    home = whole.organization_id
    (about,) = (await facts.gather(tx, home, [Asked(campaign, contact)], now - _AS_FAR_AS_ANY_CAP)).values()
    lists = (await facts.do_not_call(tx, home)).of(campaign)
    shut = closed(stands)
    due_at = await explain.due_at(tx, campaign, contact) or now
    if shut is None:
        against = explain_against(stands, due_at, decide(window, inforce, lists, about, now), standing, now)
        earliest = max(filter(None, (now, due_at, standing.start_at)))
        next_at = next_moment(window, inforce, lists, about, earliest)
    else:
        against, next_at = [shut], None
    return Explanation(
        campaign_id=campaign,
        at=now,
        contact=stands,
        phone=about.phone,
        time_zones=zones_of(about.group),
        jurisdictions=jurisdictions(inforce, about.group),
        rule=against[0].rule if against else "allowed",
        says=against[0].says if against else RULES["allowed"],
        against=tuple(against),
        next_at=next_at,
        local=local_times(next_at, window, about),
        policy=tell_policy(policy_version(inforce, window), theirs, own, inforce, about),
        calls=await explain.calls(tx, campaign, contact),
        events=await explain.events(tx, campaign, contact),
    )
