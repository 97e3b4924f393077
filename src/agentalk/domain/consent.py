"""A person's consent to be called by an artificial voice."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from agentalk.domain.moment import Moment


class ConsentType(StrEnum):
    """`written` is express consent that was signed, by hand or electronically: it serves wherever `express` does."""

    EXPRESS = "express"
    WRITTEN = "written"


Evidence = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=2000, description="Where the proof is: a record's id, an address, a text."),
]


class Consent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What was agreed to, when, and how it can be proved. Without `expires_at` it holds until it is withdrawn."""

    type: ConsentType
    captured_at: Moment
    evidence: Evidence
    expires_at: Moment | None = None

    def problem(self) -> tuple[str, str] | None:
        """The first thing wrong with this consent, as (field, message), or None."""
        if not self.evidence.strip():
            return "consent.evidence", "must say where the proof of the consent is"
        if self.expires_at is not None and self.expires_at <= self.captured_at:
            return "consent.expiresAt", "must be after `capturedAt`"
        return None

    def serves(self, need: ConsentType, now: datetime) -> bool:
        """Whether it is as much as is needed, given by now and not expired."""
        enough = self.type is ConsentType.WRITTEN or need is ConsentType.EXPRESS
        return enough and self.captured_at <= now and (self.expires_at is None or now < self.expires_at)
