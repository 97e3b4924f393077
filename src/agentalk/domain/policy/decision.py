"""May this person be called now, and why not: one function for the claim, the second check, the preview and people."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from agentalk.domain.consent import Consent, ConsentType
from agentalk.domain.place import SOME_STATE
from agentalk.domain.policy.caps import Used, caps, lockout, use
from agentalk.domain.policy.hours import jurisdictions, next_lawful, unplaceable
from agentalk.domain.policy.model import CapScope, DuplicatePhones, FrequencyCap, InForce, Purpose
from agentalk.domain.policy.presets import ELSEWHERE, joined
from agentalk.domain.retry import LOCKOUT
from agentalk.domain.spans import Span
from agentalk.domain.window import UNKNOWN_ZONE, Window, ZoneGroup, zones_of

# What nobody can foresee the end of is looked at again after this long.
_STALE_LOOK = timedelta(hours=1)
_BUSY_LOOK = timedelta(minutes=1)
# How old a registry may be where no preset says: 16 CFR 310.4(b)(3)(iv).
_REGISTRY_DAYS = 31


class ListKind(StrEnum):
    """Whose list it is: the organization's, one campaign's, or a registry's with the date of its data."""

    ORGANIZATION = "organization"
    CAMPAIGN = "campaign"
    REGISTRY = "registry"


class DoNotCallList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A list of numbers that are not to be called.

    Of a registry: `jurisdiction` is where it applies, `purposes` to calls of which purposes (none named: all), `as_of`
    the day of its data.
    """

    id: UUID
    kind: ListKind
    name: str = ""
    jurisdiction: str | None = None
    purposes: tuple[Purpose, ...] = ()
    as_of: date | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a contact when it is decided.

    `listed` are the lists that its phone is on. `by_phone` and `by_contact` are the moments of counted attempts within
    `caps.lookback`, newest first, over all campaigns of the organization; `last_abandoned_at` is when the phone's last
    call ended on which it was answered and nobody spoke; `called_for_other`: this campaign has called this phone for
    another contact.
    """

    group: ZoneGroup
    phone: str | None
    phone_invalid: bool = False
    opted_out: bool = False
    listed: tuple[UUID, ...] = ()
    consent: Consent | None = None
    by_phone: Sequence[datetime] = ()
    by_contact: Sequence[datetime] = ()
    last_conversation_at: datetime | None = None
    last_abandoned_at: datetime | None = None
    called_for_other: bool = False
    phone_busy: bool = False


class Rule(StrEnum):
    """What decided. In the order in which they are asked, but for `allowed`."""

    ALLOWED = "allowed"
    NO_PHONE = "no_phone"
    INVALID_NUMBER = "invalid_number"
    OPTED_OUT = "opted_out"
    DO_NOT_CALL = "do_not_call"
    NO_TIMEZONE = "no_timezone"
    NO_CONSENT = "no_consent"
    DUPLICATE_PHONE = "duplicate_phone"
    REGISTRY_STALE = "registry_stale"
    FREQUENCY_CAP = "frequency_cap"
    ABANDONED_LOCKOUT = "abandoned_lockout"
    CONVERSATION_LOCKOUT = "conversation_lockout"
    PHONE_BUSY = "phone_busy"
    OUTSIDE_WINDOW = "outside_window"


class Verdict(StrEnum):
    """Call now, wait until a moment, or never in this campaign as things stand."""

    CALL = "call"
    WAIT = "wait"
    SKIP = "skip"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with a contact, by which rule, and what spoke for it (`basis`, as it is kept with a call).

    `until`: of a wait, when to look again; None if no such moment is known.
    """

    verdict: Verdict
    rule: Rule
    until: datetime | None = None
    basis: dict[str, Any] = {}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every contact of a zone group at a moment, whoever it is: worked out once for many of them."""

    inforce: InForce
    lists: Sequence[DoNotCallList]
    span: Span | None
    caps: tuple[FrequencyCap, ...]
    consent: ConsentType | None
    peace: timedelta | None
    unplaced: Decision | None
    stale: Decision | None
    late: Decision | None
    basis: dict[str, Any]
    # Calls are allowed for few different reasons: each decision is made once.
    allowed: dict[tuple[object, ...], Decision] = msgspec.field(default_factory=dict)


def standing(
    window: Window, inforce: InForce, lists: Sequence[DoNotCallList], group: ZoneGroup, now: datetime
) -> Standing:
    """What holds for `group` at `now`. `lists` are the organization's, this campaign's and the registries."""
    span = next_lawful(window, inforce, group, now)
    places = jurisdictions(inforce, group)
    return Standing(
        inforce=inforce,
        lists=lists,
        span=span,
        caps=caps(inforce, group),
        consent=consent_needed(inforce, group),
        peace=lockout(inforce, group),
        unplaced=_placed(window, inforce, group, span, now),
        stale=_fresh(inforce, lists, places, now),
        late=_on_time(span, now),
        basis={
            "purpose": inforce.purpose.value if inforce.stated else None,
            "jurisdictions": list(places),
            "opening": [moment.isoformat().replace("+00:00", "Z") for moment in span or ()],
        },
    )


def decide(window: Window, inforce: InForce, lists: Sequence[DoNotCallList], facts: Facts, now: datetime) -> Decision:
    """Whether a contact may be called at `now`. `lists` are the organization's, this campaign's and the registries.

    Reasons that last come first. Of several waits a stale registry is told before all, else the one that ends last.
    """
    return decide_by(standing(window, inforce, lists, facts.group, now), facts, now)


def decide_by(ours: Standing, facts: Facts, now: datetime) -> Decision:
    """As `decide`, by what holds at `now` for the contact's group."""
    barred = _barred(ours, facts) or ours.unplaced or _agreed(ours, facts, now) or _alone(ours, facts)
    if barred is not None:
        return barred
    used = [use(cap, facts.by_phone if cap.scope is CapScope.PHONE else facts.by_contact, now) for cap in ours.caps]
    capped = [_capped(one) for one in used if one.used >= one.cap.max]
    never = next((decision for decision in capped if decision.verdict is Verdict.SKIP), None)
    if never is not None:
        return never
    waits = [*capped, ours.stale, _startled(facts, now), _in_peace(ours, facts, now), _free(facts, now), ours.late]
    if any(waits):
        return max(filter(None, waits), key=_lasting)
    consent = facts.consent.type.value if facts.consent else None
    alike = consent, *(one.used for one in used)
    decision = ours.allowed.get(alike)
    if decision is None:
        decision = ours.allowed[alike] = Decision(
            verdict=Verdict.CALL, rule=Rule.ALLOWED, basis=_basis(ours, used, consent)
        )
    return decision


def consent_needed(inforce: InForce, group: ZoneGroup) -> ConsentType | None:
    """The consent without which a person of `group` is not called; None: none is needed.

    As long as no purpose is stated no real phone rings, and the law asks for none.
    """
    need = joined(jurisdictions(inforce, group)).consent.get(inforce.purpose) if inforce.stated else None
    return need or (ConsentType.EXPRESS if inforce.require_consent else None)


def stale(
    lists: Sequence[DoNotCallList], purpose: Purpose, places: Sequence[str], now: datetime
) -> DoNotCallList | None:
    """The first registry that is to be asked for a call to these places, and whose data is too old to be."""
    days = timedelta(days=joined(tuple(places)).registry_days or _REGISTRY_DAYS)
    today = now.astimezone(UTC).date()
    return next(
        (one for one in lists if one.as_of is not None and today - one.as_of > days and _governs(one, purpose, places)),
        None,
    )


def _governs(registry: DoNotCallList, purpose: Purpose, places: Sequence[str]) -> bool:
    """Whether a registry must be asked before a call of this purpose to one of these places."""
    for_purpose = not registry.purposes or purpose in registry.purposes
    where = registry.jurisdiction or ELSEWHERE
    return for_purpose and any(_may_be_in(place, where) for place in places)


def _may_be_in(place: str, where: str) -> bool:
    """Whether someone in `place` may be in `where`: not if both are known and differ."""
    if ELSEWHERE in (place, where):
        return True
    (country, _, part), (wide, _, narrow) = place.partition("-"), where.partition("-")
    return country == wide and (part == narrow or not part or not narrow or place == SOME_STATE)


def _forbids(one: DoNotCallList, purpose: Purpose) -> bool:
    """Whether a number on this list is not to be called. A registry counts wherever the number may be: it is on it."""
    return one.kind is not ListKind.REGISTRY or not one.purposes or purpose in one.purposes


def _barred(ours: Standing, facts: Facts) -> Decision | None:
    if facts.phone is None:
        return _skip(Rule.NO_PHONE)
    if facts.phone_invalid:
        return _skip(Rule.INVALID_NUMBER)
    if facts.opted_out:
        return _skip(Rule.OPTED_OUT)
    if not facts.listed:
        return None
    purpose = ours.inforce.purpose
    forbidding = next((one for one in ours.lists if one.id in facts.listed and _forbids(one, purpose)), None)
    return None if forbidding is None else _skip(Rule.DO_NOT_CALL, **_named(forbidding))


def _placed(window: Window, inforce: InForce, group: ZoneGroup, span: Span | None, now: datetime) -> Decision | None:
    zones = zones_of(group)
    if window.group_for(group) == UNKNOWN_ZONE:
        return _skip(Rule.NO_TIMEZONE)
    # A number that may be almost anywhere: each place has its hours, and no moment suits them all.
    if span is None and len(zones) > 1 and unplaceable(window, inforce, group, now):
        return _skip(Rule.NO_TIMEZONE, zones=len(zones))
    return None


def _agreed(ours: Standing, facts: Facts, now: datetime) -> Decision | None:
    need = ours.consent
    if need is None or (facts.consent is not None and facts.consent.serves(need, now)):
        return None
    return _skip(Rule.NO_CONSENT, needed=need.value, given=facts.consent and facts.consent.type.value)


def _alone(ours: Standing, facts: Facts) -> Decision | None:
    twice = facts.called_for_other and ours.inforce.duplicate_phones is DuplicatePhones.SKIP
    return _skip(Rule.DUPLICATE_PHONE) if twice else None


def _capped(used: Used) -> Decision:
    if used.free_at is None:
        return _skip(Rule.FREQUENCY_CAP, cap=used.basis())
    return _wait(Rule.FREQUENCY_CAP, used.free_at, cap=used.basis())


def _fresh(inforce: InForce, lists: Sequence[DoNotCallList], places: Sequence[str], now: datetime) -> Decision | None:
    old = stale(lists, inforce.purpose, places, now)
    return None if old is None else _wait(Rule.REGISTRY_STALE, now + _STALE_LOOK, asOf=str(old.as_of), **_named(old))


def _startled(facts: Facts, now: datetime) -> Decision | None:
    """Who was rung up and heard nothing is left alone by every campaign."""
    if facts.last_abandoned_at is None or facts.last_abandoned_at + LOCKOUT <= now:
        return None
    until = facts.last_abandoned_at + LOCKOUT
    return _wait(Rule.ABANDONED_LOCKOUT, until, hours=LOCKOUT / timedelta(hours=1))


def _in_peace(ours: Standing, facts: Facts, now: datetime) -> Decision | None:
    peace = ours.peace
    if peace is None or facts.last_conversation_at is None or facts.last_conversation_at + peace <= now:
        return None
    return _wait(Rule.CONVERSATION_LOCKOUT, facts.last_conversation_at + peace, hours=peace / timedelta(hours=1))


def _free(facts: Facts, now: datetime) -> Decision | None:
    return _wait(Rule.PHONE_BUSY, now + _BUSY_LOOK) if facts.phone_busy else None


def _on_time(span: Span | None, now: datetime) -> Decision | None:
    if span is not None and span[0] <= now:
        return None
    return _wait(Rule.OUTSIDE_WINDOW, span and span[0])


def _skip(rule: Rule, **basis: object) -> Decision:
    return Decision(verdict=Verdict.SKIP, rule=rule, basis=basis)


def _wait(rule: Rule, until: datetime | None, **basis: object) -> Decision:
    return Decision(verdict=Verdict.WAIT, rule=rule, until=until, basis=basis)


def _lasting(wait: Decision) -> tuple[bool, bool, float]:
    """What makes one wait be told before others: it needs a person's hand, has no known end, or ends last."""
    return wait.rule is Rule.REGISTRY_STALE, wait.until is None, wait.until.timestamp() if wait.until else 0


def _named(one: DoNotCallList) -> dict[str, object]:
    return {"list": str(one.id), "kind": one.kind.value, "name": one.name}


def _basis(ours: Standing, used: Sequence[Used], consent: str | None) -> dict[str, object]:
    """What spoke for a call: small, and ready for JSON."""
    return {**ours.basis, "caps": [one.basis() for one in used], "consent": consent}
