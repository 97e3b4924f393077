"""What a campaign would do if it ran. `org` None means every organization's."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from agentalk.domain.call import Outcome
from agentalk.domain.campaign import Campaign
from agentalk.domain.forecast import USUAL_CALL_SECONDS, USUAL_OUTCOMES, Pace, foresee
from agentalk.domain.health import THROTTLED_PART
from agentalk.domain.ids import CampaignId, OrgId
from agentalk.domain.policy.caps import lockout, lookback
from agentalk.domain.policy.version import policy_version
from agentalk.domain.preview import Preview, Skips, Waits, judge, openings
from agentalk.domain.retry import LOCKOUT
from agentalk.operations import campaigns
from agentalk.store import campaigns as stored
from agentalk.store import facts, preview
from agentalk.store.database import Tx
from agentalk.store.preview import Limits, Outcomes

# Fewer calls say too little about how calls end.
_ENOUGH_CALLS = 50
_NEWEST_CALLS = 1_000
_HOURS_TOLD = 48
_NO_PURPOSE = (
    "Nothing says what these calls are for: they count as informational and only the simulator may place them."
    " Until `policy.purpose` is set, a start on another carrier is refused."
)


async def look_ahead(tx: Tx, org: OrgId | None, id: CampaignId, now: datetime) -> Preview:
    """Who would be called, who not and why, when, and until when; in any status. Raises `NotFound`.

    A campaign that is to start at a time to come is looked at as of that time.
    """
    campaign = await campaigns.get(tx, org, id)
    home = campaign.organization_id
    at = max(now, campaign.start_at or now)
    _, inforce = await stored.terms(tx, id)
    groups = await preview.groups(tx, id)
    peace = max((lockout(inforce, group) or timedelta() for group in groups), default=timedelta())
    await preview.work_memory(tx)
    known = await preview.alike(tx, home, id, max(lookback(inforce, groups), peace, LOCKOUT), at)
    lists = (await facts.do_not_call(tx, home)).of(id)
    found = judge(campaign.window, inforce, lists, known, at)
    ended = await preview.outcomes(tx, id, _NEWEST_CALLS)
    shares, seconds = _shares(ended)
    pace = _pace(campaign, await preview.limits(tx, id), seconds)
    told = foresee(found.crowds, pace, campaign.retry, shares, at)
    already = await preview.skipped(tx, id)
    reasons = {reason: found.skipped[reason] + already.get(reason, 0) for reason in {*found.skipped, *already}}
    return Preview(
        campaign_id=id,
        starts_at=at,
        policy_version=policy_version(inforce, campaign.window),
        callable=found.callable,
        ready=found.ready,
        calling=campaign.counts.calling,
        waits=tuple(
            Waits(reason, contacts, until)
            for reason, (contacts, until) in sorted(found.waits.items(), key=lambda wait: -wait[1][0])
        ),
        skipped=tuple(
            Skips(reason, contacts, already.get(reason, 0))
            for reason, contacts in sorted(reasons.items(), key=lambda skip: -skip[1])
        ),
        windows=openings(campaign.window, inforce, found.groups, at),
        pace=pace,
        hours=told.hours[:_HOURS_TOLD],
        first_calls=told.first_calls,
        retries=told.retries,
        ends_at=told.ends_at,
        assumptions=_assumptions(ended, seconds, pace, inforce.stated),
    )


def _shares(ended: Outcomes) -> tuple[Mapping[Outcome, float], float]:
    """How calls end, and how many seconds they take: as measured, or as usual where too few were made."""
    if ended.calls < _ENOUGH_CALLS:
        return USUAL_OUTCOMES, USUAL_CALL_SECONDS
    return {outcome: n / ended.calls for outcome, n in ended.counts.items()}, max(1.0, ended.seconds)


def _pace(campaign: Campaign, limits: Limits, seconds: float) -> Pace:
    part = THROTTLED_PART if limits.throttled else 1.0
    rates = {
        "campaign.callsPerSecond": limits.calls_per_second * part,
        "campaign.maxConcurrency": limits.max_concurrency * part / seconds,
        "organization.maxConcurrency": limits.org_max / seconds,
        "carrier.callsPerSecond": limits.carrier_rate or 0.0,
        "carrier.maxLiveCalls": (limits.carrier_max or 0) / seconds,
    }
    bound_by = min(rates, key=lambda name: rates[name])
    cap = campaign.caller_id_rule.daily_cap
    per_day = cap * len(campaign.caller_ids) if cap and campaign.caller_ids else None
    return Pace(rates[bound_by] * 3600, bound_by, per_day)


def _assumptions(ended: Outcomes, seconds: float, pace: Pace, purpose_stated: bool) -> tuple[str, ...]:
    measured = ended.calls >= _ENOUGH_CALLS
    calls = (
        f"as this campaign's last {ended.calls:,} calls" if measured else "as calls usually do (too few were made yet)"
    )
    return (
        f"Calls end {calls}, and take {seconds:.0f} s each.",
        f"No other campaign uses the pace of {pace.per_hour:,.0f} calls an hour, which {pace.bound_by} bounds.",
        "Lists, consents, policies and contacts stay as they are, and a registry that is too old is renewed by nobody.",
        "Retries begin as soon as their wait is over; caps on attempts are looked at for the next one only.",
        *(() if purpose_stated else (_NO_PURPOSE,)),
    )
