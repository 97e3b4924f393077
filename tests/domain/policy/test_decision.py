"""One decision for each rule, in the order a person would ask."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agentalk.domain.consent import Consent, ConsentType
from agentalk.domain.policy.caps import caps, use
from agentalk.domain.policy.decision import (
    DoNotCallList,
    Facts,
    ListKind,
    Rule,
    Verdict,
    decide,
)
from agentalk.domain.policy.hours import is_lawful
from agentalk.domain.policy.model import DEFAULTS, CapScope, DuplicatePhones, FrequencyCap, Purpose
from agentalk.domain.window import Window

NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)  # a Tuesday, noon in New York
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OURS, CAMPAIGNS, REGISTRY = UUID(int=1), UUID(int=2), UUID(int=3)
GROUP, FLORIDA = "America/New_York@US-NY", "America/New_York@US-FL"
ADA = Facts(group=GROUP, phone="+12125550100")
MARKETING = replace(DEFAULTS, purpose=Purpose.MARKETING, stated=True)
DEBT = replace(DEFAULTS, purpose=Purpose.DEBT, stated=True)
WRITTEN = Consent(type=ConsentType.WRITTEN, captured_at=NOW - DAY, evidence="form 12")
EXPRESS = replace(WRITTEN, type=ConsentType.EXPRESS)
OWN = DoNotCallList(id=OURS, kind=ListKind.ORGANIZATION)
ITS = DoNotCallList(id=CAMPAIGNS, kind=ListKind.CAMPAIGN)
NATIONAL = DoNotCallList(
    id=REGISTRY,
    kind=ListKind.REGISTRY,
    name="National",
    jurisdiction="US",
    purposes=(Purpose.MARKETING,),
    as_of=date(2026, 11, 1),
)
LISTS = (OWN, ITS, NATIONAL)
STALE = replace(NATIONAL, as_of=NOW.date() - timedelta(days=32))


def facts(**changes: Any) -> Facts:
    return replace(ADA, **changes)


@pytest.mark.parametrize(
    ("inforce", "known", "rule"),
    [
        (DEFAULTS, facts(phone=None), Rule.NO_PHONE),
        (DEFAULTS, facts(phone_invalid=True), Rule.INVALID_NUMBER),
        (DEFAULTS, facts(opted_out=True), Rule.OPTED_OUT),
        (DEFAULTS, facts(listed=(OURS,)), Rule.DO_NOT_CALL),
        (DEFAULTS, facts(listed=(CAMPAIGNS,)), Rule.DO_NOT_CALL),
        (MARKETING, facts(listed=(REGISTRY,), consent=WRITTEN), Rule.DO_NOT_CALL),
        (MARKETING, facts(listed=(REGISTRY,), consent=WRITTEN, group="Europe/Paris@FR"), Rule.DO_NOT_CALL),
        (DEFAULTS, facts(group="@US-NY"), Rule.NO_TIMEZONE),
        (DEFAULTS, facts(group="America/New_York,Asia/Tokyo,Pacific/Honolulu@US-ZZ"), Rule.NO_TIMEZONE),
        (MARKETING, facts(), Rule.NO_CONSENT),
        (MARKETING, facts(consent=EXPRESS), Rule.NO_CONSENT),
        (MARKETING, facts(consent=replace(WRITTEN, expires_at=NOW)), Rule.NO_CONSENT),
        (MARKETING, facts(consent=replace(WRITTEN, captured_at=NOW + HOUR)), Rule.NO_CONSENT),
        (DEBT, facts(), Rule.NO_CONSENT),
        (replace(DEFAULTS, require_consent=True), facts(), Rule.NO_CONSENT),
        (DEFAULTS, facts(called_for_other=True), Rule.DUPLICATE_PHONE),
        (replace(DEFAULTS, frequency=(FrequencyCap(CapScope.PHONE, 0, 24),)), facts(), Rule.FREQUENCY_CAP),
    ],
)
def test_skipped(inforce: Any, known: Facts, rule: Rule) -> None:
    decision = decide(Window(), inforce, LISTS, known, NOW)
    assert (decision.verdict, decision.rule, decision.until) == (Verdict.SKIP, rule, None)


@pytest.mark.parametrize(
    ("inforce", "known"),
    [
        (DEFAULTS, facts()),
        (DEFAULTS, facts(listed=(REGISTRY,))),  # it is for marketing
        (DEFAULTS, facts(listed=(UUID(int=9),))),  # another campaign's
        (MARKETING, facts(consent=WRITTEN)),
        (MARKETING, facts(consent=replace(WRITTEN, expires_at=NOW + HOUR))),
        (DEBT, facts(consent=EXPRESS)),
        (DEBT, facts(consent=WRITTEN)),
        (replace(DEFAULTS, require_consent=True), facts(consent=EXPRESS)),
        (replace(DEFAULTS, duplicate_phones=DuplicatePhones.CALL), facts(called_for_other=True)),
        (DEFAULTS, facts(by_phone=[NOW - HOUR] * 2 + [NOW - 2 * DAY] * 4)),
        (DEFAULTS, facts(by_contact=[NOW - HOUR] * 9)),  # the default caps are by phone
        (DEFAULTS, facts(last_conversation_at=NOW - HOUR)),  # the lockout is for debt
        (DEFAULTS, facts(last_abandoned_at=NOW - 3 * DAY)),
    ],
)
def test_called(inforce: Any, known: Facts) -> None:
    decision = decide(Window(), inforce, LISTS, known, NOW)
    assert (decision.verdict, decision.rule, decision.until) == (Verdict.CALL, Rule.ALLOWED, None)


NEXT_MORNING = datetime(2026, 11, 25, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("inforce", "known", "now", "rule", "until"),
    [
        (DEFAULTS, facts(), NOW + 8 * HOUR, Rule.OUTSIDE_WINDOW, NEXT_MORNING),
        (DEFAULTS, facts(by_phone=[NOW - k * HOUR for k in (1, 2, 3)]), NOW, Rule.FREQUENCY_CAP, NOW + 21 * HOUR),
        (DEFAULTS, facts(by_phone=[NOW - 2 * DAY] * 7), NOW, Rule.FREQUENCY_CAP, NOW + 5 * DAY),
        (DEFAULTS, facts(group=FLORIDA, by_contact=[NOW - HOUR] * 3), NOW, Rule.FREQUENCY_CAP, NOW + 23 * HOUR),
        (DEFAULTS, facts(last_abandoned_at=NOW - HOUR), NOW, Rule.ABANDONED_LOCKOUT, NOW + 71 * HOUR),
        (DEBT, facts(consent=EXPRESS, last_conversation_at=NOW - DAY), NOW, Rule.CONVERSATION_LOCKOUT, NOW + 6 * DAY),
        (DEFAULTS, facts(phone_busy=True), NOW, Rule.PHONE_BUSY, NOW + timedelta(minutes=1)),
        # Of two the one that ends last: at night one waits for the morning, unless a cap lasts longer.
        (DEFAULTS, facts(phone_busy=True), NOW + 8 * HOUR, Rule.OUTSIDE_WINDOW, NEXT_MORNING),
        (DEFAULTS, facts(by_phone=[NOW] * 3), NOW + 8 * HOUR, Rule.FREQUENCY_CAP, NOW + DAY),
        (DEFAULTS, facts(by_phone=[NOW - 12 * HOUR] * 3), NOW + 8 * HOUR, Rule.OUTSIDE_WINDOW, NEXT_MORNING),
    ],
)  # fmt: skip
def test_waiting(inforce: Any, known: Facts, now: datetime, rule: Rule, until: datetime) -> None:
    decision = decide(Window(), inforce, LISTS, known, now)
    assert (decision.verdict, decision.rule, decision.until) == (Verdict.WAIT, rule, until)


def test_a_window_that_never_opens_lets_nobody_through_and_skips_nobody() -> None:
    decision = decide(Window(slots=()), DEFAULTS, LISTS, ADA, NOW)
    assert (decision.verdict, decision.rule, decision.until) == (Verdict.WAIT, Rule.OUTSIDE_WINDOW, None)


@pytest.mark.parametrize(
    ("registry", "group", "inforce", "blocks"),
    [
        (STALE, GROUP, MARKETING, True),
        (NATIONAL, GROUP, MARKETING, False),
        (replace(STALE, as_of=NOW.date() - timedelta(days=31)), GROUP, MARKETING, False),
        (STALE, GROUP, DEFAULTS, False),
        (replace(STALE, purposes=()), GROUP, DEFAULTS, True),
        (replace(STALE, purposes=()), "Europe/Paris@FR", DEFAULTS, False),
        (replace(STALE, purposes=()), "Europe/Paris@FR,US-NY", DEFAULTS, True),
        (replace(STALE, purposes=()), "America/New_York", DEFAULTS, True),  # nobody knows that it is not the US
        (replace(STALE, purposes=(), jurisdiction="US-FL"), GROUP, DEFAULTS, False),
        (replace(STALE, purposes=(), jurisdiction="US-NY"), GROUP, DEFAULTS, True),
        (replace(STALE, purposes=(), jurisdiction="US-FL"), "America/New_York@US-ZZ", DEFAULTS, True),
    ],
)
def test_a_registry_that_is_too_old_blocks_where_it_must_be_asked(
    registry: DoNotCallList, group: str, inforce: Any, blocks: bool
) -> None:
    known = facts(group=group, consent=WRITTEN, by_phone=[NOW] * 3)
    decision = decide(Window(), inforce, [OWN, registry], known, NOW)
    assert (decision.rule is Rule.REGISTRY_STALE) is blocks
    if blocks:
        assert decision.verdict is Verdict.WAIT
        assert decision.until == NOW + HOUR
        assert decision.basis["asOf"] == str(registry.as_of)


ORDER: list[tuple[Rule, dict[str, Any]]] = [
    (Rule.NO_PHONE, {"phone": None}),
    (Rule.INVALID_NUMBER, {"phone_invalid": True}),
    (Rule.OPTED_OUT, {"opted_out": True}),
    (Rule.DO_NOT_CALL, {"listed": (OURS,)}),
    (Rule.NO_TIMEZONE, {"group": "@US-NY"}),
    (Rule.NO_CONSENT, {"consent": None}),
    (Rule.DUPLICATE_PHONE, {"called_for_other": True}),
    (Rule.FREQUENCY_CAP, {"by_phone": [NOW] * 3}),
]


def test_reasons_that_last_are_told_first() -> None:
    for i, (rule, _) in enumerate(ORDER):
        known = facts(consent=WRITTEN)
        for _, change in ORDER[i:]:
            known = replace(known, **change)
        assert decide(Window(), MARKETING, LISTS, known, NOW).rule is rule


def test_a_call_keeps_what_spoke_for_it() -> None:
    known = facts(group=FLORIDA, consent=WRITTEN, by_phone=[NOW - HOUR, NOW - 3 * DAY])
    basis = decide(Window(), MARKETING, LISTS, known, NOW).basis
    assert msgspec.json.decode(msgspec.json.encode(basis)) == {
        "purpose": "marketing",
        "jurisdictions": ["US-FL"],
        "opening": ["2026-11-24T14:00:00Z", "2026-11-25T01:00:00Z"],
        "caps": [
            {"scope": "phone", "max": 3, "hours": 24, "used": 1},
            {"scope": "phone", "max": 7, "hours": 168, "used": 2},
            {"scope": "contact", "max": 3, "hours": 24, "used": 0},
        ],
        "consent": "written",
    }
    assert decide(Window(), DEFAULTS, LISTS, ADA, NOW).basis["purpose"] is None


def test_a_refusal_keeps_why() -> None:
    listed = decide(Window(), MARKETING, LISTS, facts(listed=(REGISTRY,)), NOW).basis
    assert listed == {"list": str(REGISTRY), "kind": "registry", "name": "National"}
    unagreed = decide(Window(), MARKETING, LISTS, facts(consent=EXPRESS), NOW).basis
    assert unagreed == {"needed": "written", "given": "express"}
    capped = decide(Window(), DEFAULTS, LISTS, facts(by_phone=[NOW] * 3), NOW).basis
    assert capped == {"cap": {"scope": "phone", "max": 3, "hours": 24, "used": 3}}


MOMENTS = st.integers(0, 365 * 24 * 60).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))
AGES = st.lists(st.integers(0, 20_000), max_size=9)
TEXAS = "America/Chicago,America/Denver@US-TX"
KNOWN = st.fixed_dictionaries(
    {
        "group": st.sampled_from([GROUP, FLORIDA, TEXAS, "Europe/Paris@FR", "Asia/Tokyo", "@US-NY"]),
        "phone": st.sampled_from(["+12125550100", "+12125550100", None]),
        "phone_invalid": st.sampled_from([False, False, True]),
        "opted_out": st.sampled_from([False, False, True]),
        "listed": st.sampled_from([(), (), (OURS,), (REGISTRY,)]),
        "consent": st.sampled_from([WRITTEN, WRITTEN, EXPRESS, None]),
        "phone_busy": st.sampled_from([False, False, True]),
    }
)


@given(KNOWN, AGES, AGES, st.sampled_from(Purpose), st.booleans(), MOMENTS)
@settings(max_examples=500, deadline=None)
def test_nobody_is_called_against_any_rule(
    known: dict[str, Any], phone: list[int], contact: list[int], purpose: Purpose, stated: bool, now: datetime
) -> None:
    def before(ages: list[int]) -> list[datetime]:
        return sorted((now - timedelta(minutes=age) for age in ages), reverse=True)

    inforce = replace(DEFAULTS, purpose=purpose, stated=stated)
    who = Facts(**known, by_phone=before(phone), by_contact=before(contact))
    decision = decide(Window(), inforce, [OWN, NATIONAL], who, now)
    uses = [
        use(cap, who.by_phone if cap.scope is CapScope.PHONE else who.by_contact, now)
        for cap in caps(inforce, who.group)
    ]
    if decision.verdict is Verdict.CALL:
        assert decision.rule is Rule.ALLOWED
        assert is_lawful(Window(), inforce, who.group, now)
        assert not (who.opted_out or who.phone_invalid or who.phone_busy or OURS in who.listed or who.phone is None)
        assert all(one.used < one.cap.max for one in uses)
        assert who.consent is not None or not stated or purpose is not Purpose.MARKETING
    elif decision.verdict is Verdict.WAIT and decision.until is not None:
        assert decision.until > now
    else:
        assert decision.until is None
