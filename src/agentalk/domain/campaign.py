"""A campaign: its states, the table of what may happen to it, and the decisions that follow from the table."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from agentalk.domain.caller_id import CallerIdRule
from agentalk.domain.errors import Conflict
from agentalk.domain.ids import AgentId, CampaignId, CarrierId, OrgId
from agentalk.domain.policy.model import CallingPolicy
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import Window


class CampaignStatus(StrEnum):
    """The published statuses, and no others."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    STOPPED = "stopped"
    COMPLETED = "completed"


class Phase(StrEnum):
    """The finer truth beside the status: what the engine is doing, or waiting for."""

    SCHEDULED = "scheduled"
    DIALING = "dialing"
    OUTSIDE_WINDOW = "outside_window"
    WAITING = "waiting"
    NO_CAPACITY = "no_capacity"
    DRAINING = "draining"
    IDLE = "idle"


class StatusReason(StrEnum):
    """Who or what brought the campaign to its status."""

    USER = "user"
    SCHEDULE = "schedule"
    CIRCUIT_BREAKER = "circuit_breaker"
    ABANDON_RATE = "abandon_rate"
    FINISHED = "finished"


class VoicemailAction(StrEnum):
    """What the agent does when a machine answers."""

    HANGUP = "hangup"
    LEAVE_MESSAGE = "leave_message"


class Voicemail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do about voicemail."""

    action: VoicemailAction = VoicemailAction.HANGUP


class Counts(msgspec.Struct, frozen=True):
    """A campaign's contacts by status; the seven add up to `total`."""

    total: int = 0
    pending: int = 0
    calling: int = 0
    waiting: int = 0
    completed: int = 0
    exhausted: int = 0
    skipped: int = 0
    canceled: int = 0


class Campaign(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent, a carrier, caller ids and a policy, applied to contacts.

    `max_concurrency` bounds live calls, `calls_per_second` new ones; a higher `priority` goes first;
    `reserved_concurrency` live calls of the organization's limit are kept for it while it is active. `carrier_id` None
    is the organization's default carrier.
    """

    id: CampaignId
    organization_id: OrgId
    name: str
    status: CampaignStatus
    phase: Phase | None
    status_reason: StatusReason | None
    agent_id: AgentId
    carrier_id: CarrierId | None
    caller_ids: tuple[str, ...]
    caller_id_rule: CallerIdRule
    start_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    max_concurrency: int
    calls_per_second: float
    priority: int
    reserved_concurrency: int
    window: Window
    retry: RetryPolicy
    voicemail: Voicemail
    policy: CallingPolicy
    counts: Counts
    created_at: datetime
    updated_at: datetime


class Action(StrEnum):
    """What may happen to it. `start_at` schedules, `begin` is that time come, `finish` the last contact's end."""

    START = "start"
    START_AT = "start_at"
    BEGIN = "begin"
    PAUSE = "pause"
    STOP = "stop"
    FINISH = "finish"


_D, _A, _P, _S, _C = CampaignStatus

# (status, action) → the status it leads to; what is missing is a conflict.
TRANSITIONS: Mapping[tuple[CampaignStatus, Action], CampaignStatus] = {
    **{(status, Action.START): _A for status in CampaignStatus},
    **{(status, Action.START_AT): status for status in CampaignStatus if status is not _A},
    **{(status, Action.BEGIN): _A for status in CampaignStatus},
    (_A, Action.PAUSE): _P,
    (_P, Action.PAUSE): _P,
    (_D, Action.STOP): _S,
    (_A, Action.STOP): _S,
    (_P, Action.STOP): _S,
    (_S, Action.STOP): _S,
    (_A, Action.FINISH): _C,
}

_ADVICE = {
    Action.START_AT: "Pause or stop it first, then set a time to start again.",
    Action.PAUSE: "Only an active campaign can be paused; start it first.",
    Action.STOP: "Its contacts are finished; there is nothing to stop.",
}


def after(status: CampaignStatus, action: Action) -> CampaignStatus:
    """The status that `action` leads to. Raises `Conflict` (`invalid_state`) where the table has no such row."""
    target = TRANSITIONS.get((status, action))
    if target is None:
        raise Conflict(f"The campaign is {status}. {_ADVICE.get(action, '')}".strip(), code="invalid_state")
    return target


def phase_shown(status: CampaignStatus, stored: Phase | None, start_at: datetime | None, calling: int) -> Phase | None:
    """The phase beside the status: the engine's own (`stored`) while it works on the campaign, else what can be told
    without it. `calling` is how many contacts are on a call.
    """
    if status is CampaignStatus.ACTIVE:
        return stored
    if start_at is not None:
        return Phase.SCHEDULED
    return Phase.DRAINING if calling else None
