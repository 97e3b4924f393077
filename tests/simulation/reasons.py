"""The invariants of policy: who is called has agreed, by a number that may be used; who is not called has a reason.

Each organization for itself: what another one did, or was asked, is nobody's reason.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from agentalk.domain.ids import CampaignId, OrgId
from agentalk.domain.policy.decision import ListKind
from tests.simulation import rows
from tests.simulation.database import Control
from tests.simulation.model import CampaignModel
from tests.simulation.oracle import REGISTRY_DAYS, agreed, in_america
from tests.simulation.people import Person
from tests.simulation.schedule import Hand

Broken = Callable[..., None]
# What a carrier told so long ago is judged before anything else is claimed.
_JUDGED_AFTER = timedelta(seconds=5)
# Of 24 hours, which begin and end with an hour of the clock.
_JUDGED_OVER = timedelta(hours=23)
_MOST_ABANDONED = 0.03


class Reasons:
    """Judges calls and refusals; `broken` hears of what must not be: the invariant, what happened, what it is about."""

    def __init__(
        self, hand: Hand, control: Control, campaigns: Callable[[CampaignId], CampaignModel], broken: Broken
    ) -> None:
        self._hand, self._control, self._campaigns, self._broken = hand, control, campaigns, broken
        self._resting: dict[tuple[OrgId, str, date], datetime] = {}
        self._judged = 0
        self._seen: set[tuple[CampaignId, str, str]] = set()
        self._begun: defaultdict[tuple[OrgId, str, date], list[datetime]] = defaultdict(list)

    def rang(
        self, owner: CampaignModel, people: list[Person], caller_id: str, reserved_at: datetime, dialed_at: datetime
    ) -> None:
        """A phone of one of these people rang (who it is changed of late, if there are several)."""
        contact = people[-1].id
        if not any(agreed(owner.policy, person.law, person.draft.consent, dialed_at) for person in people):
            self._broken("called without the consent that is needed", f"{contact} by {owner.name}", contact)
        registry = ListKind.REGISTRY in owner.home.lists and owner.policy.purpose is not None
        if registry and all(in_america(person.law) for person in people):
            days = (dialed_at.date() - owner.home.registry_of).days
            if days > REGISTRY_DAYS:
                self._broken("called by a registry that is too old", f"{contact}: of {days} days ago", contact)
        number = (owner.home.org, caller_id, reserved_at.date())
        self._begun[number].append(reserved_at)
        earlier = sum(at < reserved_at for at in self._begun[number])
        if owner.daily_cap is not None and earlier >= owner.daily_cap:
            self._broken("a number called more often than it may in a day", f"{caller_id}: {earlier + 1}", contact)
        if reserved_at > self._resting.get(number, reserved_at):
            self._broken("a number called on the day it was to rest", caller_id, contact)

    def flagged(self) -> None:
        """Calls were told to be unwanted or blocked."""
        for org, number, day in self._control.rows(rows.RESTING):
            self._resting.setdefault((org, number, day), self._hand.now())

    def all_rest(self, org: OrgId, day: date) -> bool:
        """Whether none of an organization's two numbers might be used any more on that day."""
        return sum((home, rests) == (org, day) for home, _, rests in self._resting) >= 2

    def claimed(self) -> None:
        """Who abandons too many of those that answer does not go on."""
        before = self._hand.now() - _JUDGED_AFTER
        since = before - _JUDGED_OVER
        for campaign, sample, answered, abandoned, lately in self._control.rows(
            rows.GOVERNED, before=before, since=since
        ):
            if answered >= sample and lately and abandoned > _MOST_ABANDONED * answered:
                name = self._campaigns(campaign).name
                self._broken("went on although too many calls were abandoned", f"{name}: {abandoned} of {answered}")

    def left_alone(self) -> None:
        """Contacts were set aside, or skipped: by what their own organization knows."""
        since, self._judged = self._judged, self._control.rows(rows.SNAPSHOT)[0][0]
        found = self._control.rows(rows.LEFT_ALONE, since=since)
        for campaign, contact, version, phone, reason, called, opted_out, listed in found:
            # Once, when it is first seen: a call that counted then may since have been given back.
            if (campaign, contact, version) in self._seen:
                continue
            self._seen.add((campaign, contact, version))
            owner = self._campaigns(campaign)
            if not self._holds(owner, contact, reason, called, opted_out, listed):
                text = f"{contact} in {owner.name}: {reason}, {called} calls"
                self._broken("left alone without a reason", text, contact, phone)

    def _holds(self, owner: CampaignModel, contact: str, reason: str, called: int, opted_out: Any, listed: Any) -> bool:
        match reason:
            case "frequency_cap":
                return called >= min(cap.max for cap in owner.caps) or contact in owner.home.moved
            case "opted_out":
                return bool(opted_out) or contact in owner.home.moved
            case "do_not_call":
                return bool(listed) or contact in owner.home.moved
            case _:
                return owner.policy.purpose is not None or bool(owner.policy.require_consent)
