"""What an organization and its campaigns say about calling.

What is left out (None) comes from beneath: a campaign's from the organization, the organization's from the defaults. No
field can widen what a jurisdiction's preset allows.
"""

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
