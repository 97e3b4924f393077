"""What happened, for those who listen: the envelope of the outbox."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from agentalk.domain.ids import CampaignId, EventId, OrgId


class EventName(StrEnum):
    """The event types that are published."""

    CAMPAIGN_STARTED = "campaign.started"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_STOPPED = "campaign.stopped"
    CAMPAIGN_COMPLETED = "campaign.completed"
    CAMPAIGN_CIRCUIT_OPENED = "campaign.circuit_opened"
    CAMPAIGN_ABANDON_LIMIT = "campaign.abandon_limit_reached"
    CAMPAIGN_THROTTLED = "campaign.throttled"
    CAMPAIGN_UNTHROTTLED = "campaign.unthrottled"
    CALLER_ID_FLAGGED = "caller_id.flagged"
    CONTACT_ADDED = "contact.added"
    CONTACT_RETRY_SCHEDULED = "contact.retry_scheduled"
    CONTACT_COMPLETED = "contact.completed"
    CONTACT_EXHAUSTED = "contact.exhausted"
    CONTACT_SKIPPED = "contact.skipped"
    CONTACT_OPTED_OUT = "contact.opted_out"
    CALL_STARTED = "call.started"
    CALL_RINGING = "call.ringing"
    CALL_ANSWERED = "call.answered"
    CALL_ENDED = "call.ended"
    CALLS_STUCK = "engine.calls_stuck"


class Happening(msgspec.Struct, frozen=True):
    """An event about to be written. One that concerns the whole organization names no campaign."""

    organization_id: OrgId
    campaign_id: CampaignId | None
    type: EventName
    data: dict[str, Any]


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What happened, and when. An event keeps its id for ever."""

    id: EventId
    type: EventName
    created_at: datetime
    organization_id: OrgId
    data: dict[str, Any]
