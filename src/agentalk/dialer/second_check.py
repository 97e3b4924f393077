"""The second check: what was reserved is judged anew, and in one transaction committed as `dialing` or given back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from agentalk.dialer.judge import Judge, aside, since, tell
from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import CallId, CampaignId, DecisionId, DialerId, OrgId
from agentalk.domain.policy.decision import Verdict
from agentalk.domain.policy.version import Kept
from agentalk.store import claims, dialing, events, facts
from agentalk.store.claims import Dialed, Reservation, SetAside
from agentalk.store.database import Tx
from agentalk.store.dialing import Rules
from agentalk.store.facts import Asked

# A request is answered or given up by then; a call that is still `dialing` has been forgotten.
_ASK_DIALING_AFTER = timedelta(seconds=60)


async def commit(
    tx: Tx, org: OrgId, reservations: Sequence[Reservation], *, dialer: DialerId, lease: timedelta, now: datetime
) -> set[CallId]:
    """Turn those reservations that may still be called into `dialing`, give the others back; the calls that passed."""
    rules = await dialing.campaigns_allowed(tx, sorted({reservation.campaign_id for reservation in reservations}))
    standing = [
        each for each in reservations if (ours := rules.get(each.campaign_id)) and ours.policy.lets_ring(each.carrier)
    ]
    lawful, stood_aside = await _judged(tx, org, standing, rules, now)
    passed: set[CallId] = set()
    if lawful:
        passed = await claims.commit_dialing(
            tx, lawful, dialer=dialer, now=now, check_at=now + _ASK_DIALING_AFTER, fresh_since=now - lease
        )
    refused = [each.id for each in reservations if each.id not in passed]
    skipped: list[Happening] = []
    if refused:
        await dialing.release_reserved(tx, refused, now)
        if stood_aside:
            skipped = tell(org, await claims.set_aside(tx, stood_aside))
    started = [
        Happening(
            org,
            reservation.campaign_id,
            EventName.CALL_STARTED,
            {"callId": reservation.id, "contactId": reservation.contact_id},
        )
        for reservation in standing
        if reservation.id in passed
    ]
    await events.add_events(tx, [*started, *skipped], now)
    return passed


async def _judged(
    tx: Tx, org: OrgId, standing: Sequence[Reservation], rules: Mapping[CampaignId, Rules], now: datetime
) -> tuple[list[Dialed], list[SetAside]]:
    """Who may be dialled by what is known now, and where others are put. A new phone is for the next claim to judge."""
    if not standing:
        return [], []
    judge = Judge(rules, await facts.do_not_call(tx, org), now)
    asked = [Asked(each.campaign_id, each.contact_id, each.id) for each in standing]
    groups = {(each.campaign_id, each.zones) for each in standing}
    earliest = since(((rules[campaign], (zones,)) for campaign, zones in groups), now)
    known = await facts.gather(tx, org, asked, earliest)
    lawful: list[Dialed] = []
    changed: dict[DecisionId, Kept] = {}
    stood_aside: list[SetAside] = []
    for each in standing:
        about = known[each.campaign_id, each.contact_id]
        if about.group != each.zones:
            stood_aside.append(aside(each.campaign_id, each.contact_id, about, None))
            continue
        decision = judge.decide(each.campaign_id, about)
        if decision.verdict is not Verdict.CALL:
            stood_aside.append(aside(each.campaign_id, each.contact_id, about, decision))
        elif about.phone == each.phone:
            kept = judge.kept(each.campaign_id, decision)
            if kept.id != each.decision_id:
                changed[kept.id] = kept
            lawful.append(Dialed(each.id, kept.id))
    if changed:
        await judge.keep(tx, changed.values())
    return lawful, stood_aside
