"""Identifiers: one type a noun, so that a contact's id is never taken for a campaign's."""

import secrets
from datetime import datetime
from typing import NewType
from uuid import UUID

OrgId = NewType("OrgId", UUID)
TokenId = NewType("TokenId", UUID)
AgentId = NewType("AgentId", UUID)
CarrierId = NewType("CarrierId", UUID)
CampaignId = NewType("CampaignId", UUID)
CallId = NewType("CallId", UUID)
DecisionId = NewType("DecisionId", UUID)
DialerId = NewType("DialerId", UUID)
EventId = NewType("EventId", UUID)
ListId = NewType("ListId", UUID)
# The caller may choose a contact's id, so it is text; those we make are UUIDv7 in text form.
ContactId = NewType("ContactId", str)


# What of a UUIDv7 is left to chance: 12 bits after the version, 62 after the variant.
_CHANCE = (2**12 - 1) << 64 | (2**62 - 1)


def uuid7(now: datetime) -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then 74 random bits; sorts by time of creation."""
    return uuid7s(now, 1)[0]


def uuid7s(now: datetime, count: int) -> list[UUID]:
    """So many of them: together each costs half as much."""
    milliseconds = int(now.timestamp() * 1000) & (2**48 - 1)
    fixed = milliseconds << 80 | 0x7 << 76 | 0b10 << 62
    random = secrets.randbits(80 * count).to_bytes(10 * count, "big")
    return [UUID(int=fixed | int.from_bytes(random[at : at + 10], "big") & _CHANCE) for at in range(0, 10 * count, 10)]
