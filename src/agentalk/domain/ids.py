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


def uuid7(now: datetime) -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then 74 random bits; sorts by time of creation."""
    milliseconds = int(now.timestamp() * 1000) & (2**48 - 1)
    random = secrets.randbits(74)
    high = random >> 62
    low = random & (2**62 - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
