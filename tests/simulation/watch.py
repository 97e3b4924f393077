"""The invariants: checked at every placement by the carrier's ledger, at every commit by the rows, and at the end."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from agentalk.carriers.carrier import Placement
from agentalk.carriers.simulator.ledger import Ledger, Placed
from agentalk.domain.ids import CallId, CampaignId, OrgId
from agentalk.domain.policy.model import CapScope
from tests.simulation import rows
from tests.simulation.database import Control
from tests.simulation.model import CampaignModel, Model
from tests.simulation.oracle import lawful
from tests.simulation.people import Person
from tests.simulation.reasons import Reasons
from tests.simulation.schedule import Actor, Hand

# A process that hesitates for longer between the dialing commit and the request sends nothing.
_HESITATION = 4.0
# Seconds: what a user changes at this moment may or may not count for a call that is being dialled.
_RECENTLY = 30.0
_ON_ITS_WAY = timedelta(seconds=30)
# No call of these worlds lasts as long, and no row stays live for longer after its call.
_LONGEST_CALL, _LONGEST_ROW = 180.0, 3 * 3600.0

# Whose commit changes what is counted: of contacts, and of calls.
_COUNTED = {
    "reserve", "commit_dialing", "release_reserved", "set_aside", "save_calls", "save_contacts", "skip_open",
    "skip_no_timezone", "add", "remove", "cancel_open", "cancel_contact", "refresh_zones", "book",
}  # fmt: skip


class Violation(Exception):
    """An invariant does not hold. `about` are the words by which the story of it is found in the trace."""

    def __init__(self, invariant: str, text: str, about: Sequence[str] = ()) -> None:
        # All of it, so that it can come back from another process.
        super().__init__(invariant, text, about)
        self.invariant, self.text, self.about = invariant, text, about

    def __str__(self) -> str:
        return f"{self.invariant}: {self.text}"


class Watch:
    """Looks at everything that happens; `fail` hears of the first thing that must not."""

    def __init__(self, hand: Hand, control: Control, models: Sequence[Model], ledger: Ledger) -> None:
        self.placements = 0
        self.checks = 0
        # Whether the carrier was never away for so long that a call had to be given up.
        self.all_known = False
        self.fail: Callable[[Violation], None] = lambda _: None
        self._hand, self._control, self._models, self._ledger = hand, control, models, ledger
        self._reasons = Reasons(hand, control, self._owner, self._broken)
        self._orgs: dict[CallId, OrgId] = {}
        self._rung: set[CallId] = set()
        self._attempts: dict[tuple[Any, ...], CallId] = {}
        self._by_generation: Counter[tuple[Any, ...]] = Counter()
        self._to_phone: defaultdict[tuple[OrgId, str], list[datetime]] = defaultdict(list)
        self._to_contact: defaultdict[str, list[datetime]] = defaultdict(list)
        self._dialing: set[CallId] = set()
        self._ended: dict[str, str] = {}
        # The transaction from which on nothing has been checked yet.
        self._checked = 0

    def _owner(self, campaign: CampaignId) -> CampaignModel:
        return next(model.campaigns[campaign] for model in self._models if campaign in model.campaigns)

    def rang(self, placement: Placement, placed: Placed, road: float) -> None:
        """The carrier has made a phone ring; the request was on its way for `road` seconds."""
        self.placements += 1
        id, phone, now = placement.call_id, placement.phone, self._hand.now()
        found = self._control.rows(rows.CALL, id=id)
        if not found:
            self._broken("rang without a call", "there is no such call", id, phone)
            return
        campaign, contact, generation, attempt, status, dialed_at, reserved_at, caller_id = found[0]
        about = (id, phone, contact)
        if status in ("reserved", "released"):
            self._broken("rang before the dialing commit", f"the call is {status}", *about)
            return
        if id in self._rung:
            self._broken("rang twice for one call", f"{contact} attempt {attempt}", *about)
        key = (campaign, contact, generation, attempt)
        if key in self._attempts:
            self._broken("rang twice for one attempt", f"{contact} attempt {attempt}", *about, self._attempts[key])
        self._rung.add(id)
        self._attempts[key] = id
        owner = self._owner(campaign)
        self._orgs[id] = owner.home.org
        self._by_generation[key[:3]] += 1
        if self._by_generation[key[:3]] > owner.max_attempts:
            self._broken("more attempts than allowed", f"{contact}: {self._by_generation[key[:3]]}", *about)
        late = (now - dialed_at).total_seconds() - road
        if late > _HESITATION + 0.01:
            self._broken("rang too long after the dialing commit", f"{late:.1f} s", *about)
        self._check_live(owner.home, placed, now, about)
        self._check_caps(owner, contact, phone, now, about)
        people = self._check_lawful(owner, contact, phone, dialed_at, about)
        if people:
            self._reasons.rang(owner, people, caller_id, reserved_at, dialed_at)

    def _check_live(self, home: Model, placed: Placed, now: datetime, about: Sequence[object]) -> None:
        """Nobody's phone rings for two calls, and no more calls are live than may be, by the ledger."""
        live = [
            other
            for other in self._ledger.live()
            if other.course[-1].at > now and self._orgs.get(other.call_id) == home.org
        ]
        if [other for other in live if other.phone == placed.phone and other is not placed]:
            self._broken("a phone rang for two calls", placed.phone, *about)
        since = self._hand.loop.virtual - _LONGEST_CALL
        most = min(max(home.org_most.since(since)), max(home.carrier_most.since(since)))
        if len(live) > most:
            self._broken("more live calls than allowed, by the ledger", f"{len(live)} of {most}", *about)

    def _check_caps(
        self, campaign: CampaignModel, contact: str, phone: str, now: datetime, about: Sequence[object]
    ) -> None:
        """No phone and no contact rings more often than the campaign's caps allow, over all campaigns."""
        to_phone = self._to_phone[campaign.home.org, phone]
        to_phone.append(now)
        self._to_contact[contact].append(now)
        for cap in campaign.caps:
            moments = to_phone if cap.scope is CapScope.PHONE else self._to_contact[contact]
            # One that was long on its way counted from when it was sent.
            within = [at for at in moments if at > now - timedelta(hours=cap.hours) + _ON_ITS_WAY]
            if len(within) > cap.max:
                text = f"{phone} {len(within)} times in {cap.hours:.0f} h, {cap.max} allowed by {cap.scope}"
                self._broken("more calls than the caps allow", text, *about)

    def _check_lawful(
        self, campaign: CampaignModel, contact: str, phone: str, dialed_at: datetime, about: Sequence[object]
    ) -> list[Person]:
        recently = self._hand.loop.virtual - _RECENTLY
        people = [person for person in campaign.home.people[contact].since(recently) if person.phone == phone]
        if not people:
            self._broken("rang a number that the contact has no more", phone, *about)
            return []
        windows = campaign.window.since(recently)
        if not any(lawful(window, person.zones, person.law, dialed_at) for window in windows for person in people):
            zones = ",".join(people[-1].zones[:4])
            self._broken("rang outside the lawful hours", f"{dialed_at:%a %H:%M} UTC in {zones}", *about)
        return people

    def committed(self, actor: Actor, said: Sequence[str]) -> None:
        """A transaction of these statements is committed."""
        if "commit_dialing" in said:
            self._dialed(actor)
        if "reserve" in said:
            self._within_limits()
            self._reasons.claimed()
        if "rest" in said:
            self._reasons.flagged()
        if "set_aside" in said or "skip_open" in said:
            self._reasons.left_alone()
        if not _COUNTED.isdisjoint(said):
            self.check_counts()

    def _dialed(self, actor: Actor) -> None:
        """When its dialing is committed, a call's campaign is active, its phone may be called, its dialer lives."""
        for id, contact, phone, attempt, status, opted_out, fenced, skipped, listed in self._control.rows(rows.DIALING):
            if id in self._dialing:
                continue
            self._dialing.add(id)
            self._hand.trace(actor.name, f"dialing {str(id)[-6:]}", f"{contact} attempt {attempt} {phone}")
            about = (id, phone, contact)
            if status != "active":
                self._broken("dialled after the campaign was paused or stopped", f"it is {status}", *about)
            if opted_out:
                self._broken("dialled after an opt-out", phone, *about)
            if listed:
                self._broken("dialled a number on a list", f"{phone}, of the {listed}", *about)
            if fenced:
                self._broken("dialled by a fenced dialer", actor.name, *about)
            if skipped:
                self._broken("dialled a contact that is not being called", skipped, *about)

    def _within_limits(self) -> None:
        since = self._hand.loop.virtual - _LONGEST_ROW
        everything: Counter[OrgId] = Counter()
        for campaign, live in self._control.rows(rows.LIVE):
            owner = self._owner(campaign)
            everything[owner.home.org] += live
            allowed = max(owner.most.since(since))
            if live > allowed:
                name = owner.name
                self._broken("more live calls than the campaign allows", f"{name}: {live} of {allowed}")
        for home in self._models:
            most = min(max(home.org_most.since(since)), max(home.carrier_most.since(since)))
            if everything[home.org] > most:
                text = f"{everything[home.org]} of {most}"
                self._broken("more live calls than the organization or carrier allows", text)

    def check_counts(self) -> None:
        """The counts partition the audience and equal the rows; attempts are what was dialled; ends stand."""
        self.checks += 1
        for kind, one, other, said, there in self._control.rows(rows.COUNTS, since=self._checked):
            match kind:
                case "counts":
                    name = self._owner(CampaignId(UUID(one))).name
                    self._broken("the counts are not the rows", f"{name} {other}: {said} counted, {there} there")
                case "attempts":
                    self._broken("attempts are not what was dialled", f"{one}: {said}, dialled {there}", one)
                case "ended":
                    first = self._ended.setdefault(one, said)
                    if first != said:
                        self._broken("a later end overrode the first", f"{first} became {said}", UUID(one), other)
                case _:
                    self._checked = int(one)

    def at_rest(self) -> None:
        """Faults are off, time has gone on, and nothing new is begun: nothing is left under way."""
        self.check_counts()
        for id, contact, status, dialer in self._control.rows(rows.LEFT):
            self._broken("capacity is lost: a call is still live", f"{contact}: {status}", id, contact, dialer)
        for contact, generation in self._control.rows(rows.CALLING):
            self._broken("a contact is left calling", contact, contact, generation)
        known = {row.call_id: row for row in self._ledger.rows()}
        for id, contact, outcome in self._control.rows(rows.OUTCOMES):
            placed = known.pop(id, None)
            if placed is None and outcome not in ("not_placed", "unknown"):
                self._broken("an outcome of a call that never rang", outcome, id, contact)
            given_up = outcome == "unknown" and not self.all_known
            if placed is not None and outcome != placed.outcome and not given_up:
                self._broken("the outcome is not the carrier's", f"{outcome}, it was {placed.outcome}", id, contact)
        for id, placed in known.items():
            self._broken("a call rang that has no end", placed.phone, id)
        for id, name, times in self._control.rows(rows.TOLD):
            self._broken("an event was not told once", f"{name} {times} times", id)
        self._promises()

    def _promises(self) -> None:
        """Whoever was reset during a call was begun anew when it ended, unless something else was asked since."""
        for promise in [promise for model in self._models for promise in model.promises]:
            owner = self._owner(promise.campaign)
            stopped = any(at >= promise.made for at in owner.stopped)
            if stopped or promise.contact in owner.home.deleted:
                continue
            found = self._control.rows(rows.CONTACT, campaign=promise.campaign, contact=promise.contact)
            if found and found[0][0] <= promise.generation and found[0][1] not in ("skipped", "canceled"):
                self._broken("a reset during a call was lost", f"{promise.contact} in {owner.name}", promise.contact)

    def nobody_starves(self) -> None:
        """No campaign stands still for five hours with somebody due who might have been called all that time."""
        now = self._hand.now()
        before = now - timedelta(hours=5)
        moments = [now - timedelta(minutes=minutes) for minutes in range(0, 301, 10)]
        for campaign, contact, due_at in self._control.rows(rows.DUE, before=before):
            owner = self._owner(campaign)
            if any(self._reasons.all_rest(owner.home.org, at.date()) for at in moments):
                continue
            person = owner.home.people[contact].now
            if (
                owner.most.now
                and owner.daily_cap is None
                and all(lawful(owner.window.now, person.zones, person.law, at) for at in moments)
            ):
                self._broken("a contact is forgotten", f"{contact} in {owner.name}, due {due_at:%a %H:%M}", contact)

    def _broken(self, invariant: str, text: str, *about: object) -> None:
        words = [str(word)[-6:] if not isinstance(word, str) else word for word in about]
        self.fail(Violation(invariant, text, words))
