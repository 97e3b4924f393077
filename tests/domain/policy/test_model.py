"""A policy as it is written: what is wrong with it, and what holds in the end."""

import pytest

from agentalk.domain.policy.model import (
    DEFAULT_FREQUENCY,
    DEFAULTS,
    AbandonLimit,
    CallingPolicy,
    CapScope,
    DuplicatePhones,
    FrequencyCap,
    Purpose,
    effective,
)
from agentalk.domain.policy.version import policy_text, policy_version
from agentalk.domain.window import Window

NOTHING = CallingPolicy()
ONE_CAP = (FrequencyCap(CapScope.CONTACT, 1, 24),)


def cap(max: int, hours: float) -> CallingPolicy:
    return CallingPolicy(frequency=(FrequencyCap(CapScope.PHONE, max, hours),))


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (CallingPolicy(min_ring_seconds=14), "policy.minRingSeconds"),
        (CallingPolicy(min_ring_seconds=121), "policy.minRingSeconds"),
        (CallingPolicy(retention_days=1825), "policy.retentionDays"),
        (CallingPolicy(retention_days=40_000), "policy.retentionDays"),
        (CallingPolicy(disclosure="  "), "policy.disclosure"),
        (CallingPolicy(disclosure="x" * 2001), "policy.disclosure"),
        (CallingPolicy(jurisdictions=("FR", "France")), "policy.jurisdictions[1]"),
        (CallingPolicy(jurisdictions=("us-fl",)), "policy.jurisdictions[0]"),
        (CallingPolicy(jurisdictions=("FR",) * 21), "policy.jurisdictions"),
        (cap(-1, 24), "policy.frequency[0].max"),
        (cap(1001, 24), "policy.frequency[0].max"),
        (cap(1, 0), "policy.frequency[0].hours"),
        (cap(1, 9000), "policy.frequency[0].hours"),
        (cap(1, float("nan")), "policy.frequency[0].hours"),
        (CallingPolicy(frequency=ONE_CAP * 11), "policy.frequency"),
        (CallingPolicy(abandon=AbandonLimit(0.031)), "policy.abandon.maxShare"),
        (CallingPolicy(abandon=AbandonLimit(float("nan"))), "policy.abandon.maxShare"),
        (CallingPolicy(abandon=AbandonLimit(0.01, 0)), "policy.abandon.minSample"),
    ],
)
def test_a_bad_policy_names_its_field(policy: CallingPolicy, field: str) -> None:
    problem = policy.problem()
    assert problem is not None
    assert problem[0] == field


@pytest.mark.parametrize(
    "policy",
    [
        NOTHING,
        CallingPolicy(
            min_ring_seconds=15, retention_days=1826, disclosure="An AI speaks.", jurisdictions=("FR", "US-FL")
        ),
        cap(0, 0.5),
        CallingPolicy(frequency=(), abandon=AbandonLimit(0, 1)),
    ],
)
def test_a_good_policy_has_no_problem(policy: CallingPolicy) -> None:
    assert policy.problem() is None


def test_of_nothing_the_defaults_hold() -> None:
    inforce = effective(NOTHING, NOTHING)
    assert inforce == DEFAULTS
    assert (inforce.purpose, inforce.stated) == (Purpose.INFORMATIONAL, False)
    assert inforce.frequency == DEFAULT_FREQUENCY
    assert [(one.max, one.hours) for one in DEFAULT_FREQUENCY] == [(3, 24), (7, 168)]
    assert (inforce.min_ring_seconds, inforce.retention_days) == (25, 1826)
    assert (inforce.abandon.max_share, inforce.duplicate_phones) == (0.03, DuplicatePhones.SKIP)


def test_the_default_disclosure_says_that_an_ai_speaks_for_whom_and_how_to_opt_out() -> None:
    assert "an AI" in DEFAULTS.disclosure
    assert "{{organization}}" in DEFAULTS.disclosure
    assert "not want to be called again" in DEFAULTS.disclosure


def test_a_campaigns_word_counts_before_its_organizations() -> None:
    ours = CallingPolicy(purpose=Purpose.DEBT, min_ring_seconds=30, frequency=ONE_CAP, require_consent=True)
    its = CallingPolicy(purpose=Purpose.MARKETING, frequency=(), require_consent=False)
    inforce = effective(ours, its)
    assert (inforce.purpose, inforce.stated) == (Purpose.MARKETING, True)
    assert inforce.frequency == ()
    assert inforce.min_ring_seconds == 30
    assert inforce.require_consent is False
    assert effective(ours, NOTHING).frequency == ONE_CAP
    assert effective(NOTHING, its).stated


def test_a_version_is_a_name_for_all_that_decides() -> None:
    inforce = effective(NOTHING, NOTHING)
    version = policy_version(inforce, Window())
    assert version == policy_version(effective(NOTHING, NOTHING), Window())
    assert len(version) == 16
    assert int(version, 16) >= 0
    other = {
        version,
        policy_version(effective(NOTHING, CallingPolicy(min_ring_seconds=26)), Window()),
        policy_version(inforce, Window(slots=())),
    }
    assert len(other) == 3
    assert "47 CFR 64.1200" in policy_text(inforce, Window()), "the presets are a part of it"
