"""What a campaign would do: who is called, who is not and why, and when. Judged by `decide`, as every call is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from agentalk.domain.forecast import HORIZON, Crowd, Hour, Pace
from agentalk.domain.ids import CampaignId
from agentalk.domain.policy.decision import Decision, DoNotCallList, Facts, Rule, Verdict, decide
from agentalk.domain.policy.hours import next_lawful
from agentalk.domain.policy.model import DuplicatePhones, InForce
from agentalk.domain.spans import Span
from agentalk.domain.window import Window, ZoneGroup, jurisdictions_of, zones_of


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """So many contacts of whom the same is known.

    `ready_at`: they wait for that time already, and `held_by` says why; None: they are due. `twin`: the phone, where
    several contacts that are to be called have it; these come one by one, in their order.
    """

    facts: Facts
    attempts: int
    held_by: str | None
    ready_at: datetime | None
    twin: str | None
    contacts: int


class Skips(msgspec.Struct, frozen=True):
    """Contacts that are not called for one reason, and how many of them are skipped already."""

    reason: str
    contacts: int
    already: int


class Waits(msgspec.Struct, frozen=True):
    """Contacts that are called later, for one reason; the first of them at `until` (None: no such time is known).

    The reason is a rule of policy, or `retry` or `callback`: the time for another attempt has not come.
    """

    reason: str
    contacts: int
    until: datetime | None


class Opening(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When contacts who may be in these time zones, under these jurisdictions, may be called next: None if never."""

    time_zones: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    contacts: int
    opens_at: datetime | None
    closes_at: datetime | None


class Preview(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a campaign would do if it ran from `starts_at` on.

    `callable` contacts are to be called, of whom policy keeps nobody that is `ready`; `calling` are on a call;
    `skipped` and `waits` say why others are not, or not yet. `hours` foresees calls, `first_calls` and `retries` their
    number, and `ends_at` the end of the last one: None if that is more than 30 days away, or never. `assumptions` name
    what these rest on.
    """

    campaign_id: CampaignId
    starts_at: datetime
    policy_version: str
    callable: int
    ready: int
    calling: int
    waits: tuple[Waits, ...]
    skipped: tuple[Skips, ...]
    windows: tuple[Opening, ...]
    pace: Pace
    hours: tuple[Hour, ...]
    first_calls: int
    retries: int
    ends_at: datetime | None
    assumptions: tuple[str, ...]


class Judged(msgspec.Struct):
    """What `judge` found."""

    ready: int
    skipped: Counter[str]
    waits: dict[str, tuple[int, datetime | None]]
    groups: Counter[ZoneGroup]
    crowds: list[Crowd]

    @property
    def callable(self) -> int:
        """How many contacts are to be called, now or later."""
        return self.groups.total()


def judge(
    window: Window, inforce: InForce, lists: Sequence[DoNotCallList], known: Iterable[Alike], at: datetime
) -> Judged:
    """Decide about all of these contacts as if each were due at `at`. Twins come in the order of their calls."""
    found = Judged(0, Counter(), {}, Counter(), [])
    taken: set[str] = set()
    spans = _Spans(window, inforce, at)
    for alike in known:
        facts = replace(alike.facts, called_for_other=alike.facts.called_for_other or alike.twin in taken)
        decision = decide(window, inforce, lists, facts, at)
        if decision.verdict is Verdict.SKIP:
            found.skipped[decision.rule.value] += alike.contacts
            continue
        if alike.twin is not None and inforce.duplicate_phones is DuplicatePhones.SKIP:
            taken.add(alike.twin)
        found.groups[facts.group] += alike.contacts
        reason, ready_at = _held(alike, decision, at)
        if ready_at is not None:
            found.crowds.append(Crowd(spans.of(facts.group), ready_at, alike.attempts, alike.contacts))
        if reason is None:
            found.ready += alike.contacts
        else:
            before, first = found.waits.get(reason, (0, None))
            found.waits[reason] = before + alike.contacts, min(filter(None, (first, ready_at)), default=None)
    return found


def openings(window: Window, inforce: InForce, groups: Counter[ZoneGroup], at: datetime) -> tuple[Opening, ...]:
    """When these contacts may be called next, those that most are of first."""
    made = []
    for group, contacts in groups.most_common():
        span = next_lawful(window, inforce, group, at)
        zones = zones_of(group) or zones_of(window.group_for(group))
        made.append(
            Opening(
                time_zones=zones,
                jurisdictions=jurisdictions_of(group),
                contacts=contacts,
                opens_at=span and span[0],
                closes_at=span and span[1],
            )
        )
    return tuple(made)


def _held(alike: Alike, decision: Decision, at: datetime) -> tuple[str | None, datetime | None]:
    """What holds these contacts back, and until when; (None, `at`): nothing does. What ends last is told."""
    ready_at = at if alike.ready_at is None else max(at, alike.ready_at)
    if decision.rule is Rule.REGISTRY_STALE:
        return decision.rule.value, None  # until somebody imports newer data
    if decision.verdict is Verdict.WAIT and (decision.until is None or decision.until >= ready_at):
        return decision.rule.value, decision.until
    return (alike.held_by if ready_at > at else None), ready_at


class _Spans:
    """The spans in which a group may be called, from `at` on as far as a forecast looks."""

    def __init__(self, window: Window, inforce: InForce, at: datetime) -> None:
        self._window = window
        self._inforce = inforce
        self._at = at
        self._known: dict[ZoneGroup, tuple[Span, ...]] = {}

    def of(self, group: ZoneGroup) -> tuple[Span, ...]:
        if group not in self._known:
            found: list[Span] = []
            moment = self._at
            while moment < self._at + HORIZON:
                span = next_lawful(self._window, self._inforce, group, moment)
                if span is None:
                    break
                found.append(span)
                moment = span[1]
            self._known[group] = tuple(found)
        return self._known[group]
