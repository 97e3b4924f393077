"""What a decision leads to: the same at the claim and at the second check."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from agentalk.domain.campaign_contact import SkipReason
from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import CampaignId, ContactId, OrgId
from agentalk.domain.policy.caps import lookback
from agentalk.domain.policy.decision import Decision, Facts, Rule, Standing, Verdict, decide_by, standing
from agentalk.domain.policy.version import Kept, kept
from agentalk.domain.window import ZoneGroup
from agentalk.store import claims
from agentalk.store.claims import SetAside, Skipped
from agentalk.store.database import Tx
from agentalk.store.dialing import Rules
from agentalk.store.facts import DoNotCall


class Judge:
    """Decides about the contacts of campaigns at one moment. What holds for a zone group is worked out once for all."""

    def __init__(self, rules: Mapping[CampaignId, Rules], lists: DoNotCall, now: datetime) -> None:
        self._rules = rules
        self._lists = lists
        self._now = now
        self._standing: dict[tuple[CampaignId, ZoneGroup], Standing] = {}
        self._kept: dict[int, tuple[Decision, Kept]] = {}

    def decide(self, campaign: CampaignId, facts: Facts) -> Decision:
        """Whether a contact of the campaign may be called now, and why not."""
        key = campaign, facts.group
        ours = self._standing.get(key)
        if ours is None:
            rules = self._rules[campaign]
            lists = self._lists.of(campaign)
            ours = self._standing[key] = standing(rules.window, rules.policy, lists, facts.group, self._now)
        return decide_by(ours, facts, self._now)

    def kept(self, campaign: CampaignId, decision: Decision) -> Kept:
        """What is kept of a decision about a contact of the campaign. Decisions that are alike are mostly one."""
        held = self._kept.get(id(decision))
        if held is None:
            # Together with the decision, so that no other one takes its place in memory.
            held = self._kept[id(decision)] = decision, kept(self._rules[campaign].version, decision.basis)
        return held[1]

    async def keep(self, tx: Tx, decisions: Collection[Kept]) -> None:
        """Keep what calls are about to be made by."""
        texts = {each.version: each.text for each in self._rules.values()}
        await claims.keep_policies(
            tx, {each.policy_version: texts[each.policy_version] for each in decisions}, self._now
        )
        await claims.keep_decisions(tx, decisions)


def since(rules: Iterable[tuple[Rules, Iterable[ZoneGroup]]], now: datetime) -> datetime:
    """From when on attempts count for any contact of these groups."""
    return now - max((lookback(each.policy, groups) for each, groups in rules), default=timedelta())


def aside(campaign: CampaignId, contact: ContactId, facts: Facts, decision: Decision | None) -> SetAside:
    """Where a contact is put that is not called now. Without a decision it has only moved to another zone group."""
    if decision is None:
        return SetAside(campaign_id=campaign, contact_id=contact, zones=facts.group)
    if decision.verdict is Verdict.SKIP:
        reason = SkipReason(decision.rule.value)
        return SetAside(campaign_id=campaign, contact_id=contact, zones=facts.group, skip_reason=reason)
    # Windows are looked up by group in every turn: one that its owner widens lets the contact through at once.
    due_at = None if decision.rule is Rule.OUTSIDE_WINDOW else decision.until
    return SetAside(
        campaign_id=campaign, contact_id=contact, zones=facts.group, due_at=due_at, wait_reason=decision.rule.value
    )


def tell(org: OrgId, skipped: Iterable[Skipped]) -> list[Happening]:
    """The events of contacts that were skipped."""
    return [
        Happening(
            org,
            contact.campaign_id,
            EventName.CONTACT_SKIPPED,
            {"contactId": contact.contact_id, "attempts": contact.attempts, "skipReason": contact.reason},
        )
        for contact in skipped
    ]
