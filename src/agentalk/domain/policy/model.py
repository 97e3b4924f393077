"""What an organization and its campaigns say about calling.

What is left out (None) comes from beneath: a campaign's from the organization, the organization's from the defaults. No
field can widen what a jurisdiction's preset allows.
"""

import re
from enum import StrEnum

import msgspec


class Purpose(StrEnum):
    """Why people are called. None of them is `informational` as long as no real phone rings."""

    MARKETING = "marketing"
    INFORMATIONAL = "informational"
    SURVEY = "survey"
    DEBT = "debt"


class CapScope(StrEnum):
    """What a frequency cap counts: calls to a phone number, or to a contact."""

    PHONE = "phone"
    CONTACT = "contact"


class DuplicatePhones(StrEnum):
    """What becomes of a contact whose phone the campaign has called already, for another contact."""

    SKIP = "skip"
    CALL = "call"


class FrequencyCap(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """At most `max` attempts in any `hours` hours, counted over all campaigns of the organization."""

    scope: CapScope
    max: int
    hours: float


class AbandonLimit(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The share of answered calls that may be abandoned, over 24 hours and over 30 days, from `min_sample` on."""

    max_share: float = 0.03
    min_sample: int = 100


# Source: the design's policy table (docs/policy.md), gathered in 2026. 15 s is the least that US rules allow
# (47 CFR 64.1200(a)(6)) before an unanswered call may be given up.
DEFAULT_FREQUENCY = (FrequencyCap(CapScope.PHONE, 3, 24), FrequencyCap(CapScope.PHONE, 7, 7 * 24))
LEAST_RING_SECONDS = 15
DEFAULT_RING_SECONDS = 25
MOST_RING_SECONDS = 120
# Five years with their leap days: 16 CFR 310.5, the records of telemarketers.
LEAST_RETENTION_DAYS = 1826
DEFAULT_DISCLOSURE = (
    "Hello, this is an automated assistant, an AI, calling for {{organization}}. "
    "If you do not want to be called again, tell me at any time and I will see to it."
)
# Nobody can be bound by more than this; what is longer is a slip of the pen.
_MOST_HOURS = 366 * 24
_JURISDICTION = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")


class CallingPolicy(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A policy as it is written. `jurisdictions` (as FR, US-FL) count in addition to those of number and address."""

    purpose: Purpose | None = None
    jurisdictions: tuple[str, ...] | None = None
    frequency: tuple[FrequencyCap, ...] | None = None
    require_consent: bool | None = None
    duplicate_phones: DuplicatePhones | None = None
    abandon: AbandonLimit | None = None
    min_ring_seconds: int | None = None
    disclosure: str | None = None
    retention_days: int | None = None

    def problem(self) -> tuple[str, str] | None:
        """The first thing wrong with this policy, as (field, message), or None."""
        return (
            _places(self.jurisdictions or ())
            or _caps(self.frequency or ())
            or _share(self.abandon or AbandonLimit())
            or self._amounts()
        )

    def _amounts(self) -> tuple[str, str] | None:
        ring, kept, said = self.min_ring_seconds, self.retention_days, self.disclosure
        if ring is not None and not LEAST_RING_SECONDS <= ring <= MOST_RING_SECONDS:
            return "policy.minRingSeconds", f"must be from {LEAST_RING_SECONDS} to {MOST_RING_SECONDS} seconds"
        if kept is not None and not LEAST_RETENTION_DAYS <= kept <= 36_525:
            return "policy.retentionDays", f"must be from {LEAST_RETENTION_DAYS} (five years) to 36525 days"
        if said is not None and not 1 <= len(said.strip()) <= 2000:
            return "policy.disclosure", "must be 1 to 2000 characters: that an AI speaks, for whom, and how to opt out"
        return None


class InForce(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The policy that holds for a campaign, nothing left open. `stated`: whether anyone said what the purpose is.

    As long as nobody did, no real phone may ring, and no consent is asked for.
    """

    purpose: Purpose
    stated: bool
    jurisdictions: tuple[str, ...]
    frequency: tuple[FrequencyCap, ...]
    require_consent: bool
    duplicate_phones: DuplicatePhones
    abandon: AbandonLimit
    min_ring_seconds: int
    disclosure: str
    retention_days: int

    def lets_ring(self, carrier_kind: str) -> bool:
        """Whether calls may go through a carrier of this kind: where phones are real, somebody must have said why."""
        return self.stated or carrier_kind == "simulator"


DEFAULTS = InForce(
    purpose=Purpose.INFORMATIONAL,
    stated=False,
    jurisdictions=(),
    frequency=DEFAULT_FREQUENCY,
    require_consent=False,
    duplicate_phones=DuplicatePhones.SKIP,
    abandon=AbandonLimit(),
    min_ring_seconds=DEFAULT_RING_SECONDS,
    disclosure=DEFAULT_DISCLOSURE,
    retention_days=LEAST_RETENTION_DAYS,
)


def effective(organization: CallingPolicy, campaign: CallingPolicy) -> InForce:
    """What holds for a campaign: its own word, else its organization's, else the default."""
    said = {
        field: value
        for policy in (organization, campaign)
        for field in policy.__struct_fields__
        if (value := getattr(policy, field)) is not None
    }
    return msgspec.structs.replace(DEFAULTS, stated="purpose" in said, **said)


def _places(jurisdictions: tuple[str, ...]) -> tuple[str, str] | None:
    if len(jurisdictions) > 20:
        return "policy.jurisdictions", "may name at most 20"
    for i, name in enumerate(jurisdictions):
        if not _JURISDICTION.fullmatch(name):
            return f"policy.jurisdictions[{i}]", "must be a country as FR, or a part of one as US-FL (ISO 3166)"
    return None


def _caps(frequency: tuple[FrequencyCap, ...]) -> tuple[str, str] | None:
    if len(frequency) > 10:
        return "policy.frequency", "may hold at most 10 caps"
    for i, cap in enumerate(frequency):
        if not 0 <= cap.max <= 1000:
            return f"policy.frequency[{i}].max", "must be from 0 to 1000"
        if not 0 < cap.hours <= _MOST_HOURS:
            return f"policy.frequency[{i}].hours", f"must be more than 0 and at most {_MOST_HOURS}"
    return None


def _share(abandon: AbandonLimit) -> tuple[str, str] | None:
    if not 0 <= abandon.max_share <= 0.03:
        return "policy.abandon.maxShare", "must be from 0 to 0.03: at most 3 % of answered calls may be abandoned"
    if not 1 <= abandon.min_sample <= 10_000:
        return "policy.abandon.minSample", "must be from 1 to 10000"
    return None
