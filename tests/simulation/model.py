"""What the users of a world have asked for, kept apart from the database: what the invariants are judged by."""

from dataclasses import dataclass, field

from agentalk.domain.ids import AgentId, CampaignId, ContactId, OrgId
from agentalk.domain.policy.model import FrequencyCap
from agentalk.domain.window import Window
from tests.simulation.oracle import History
from tests.simulation.people import Person


@dataclass
class CampaignModel:
    """A campaign as its owners made it."""

    id: CampaignId
    name: str
    window: History[Window]
    most: History[int]
    max_attempts: int
    caps: tuple[FrequencyCap, ...]
    stopped: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Promise:
    """A contact that was reset while on a call: when it ends, the contact begins anew."""

    campaign: CampaignId
    contact: ContactId
    generation: int
    made: float


@dataclass
class Model:
    """A world as asked for."""

    org: OrgId
    agent: AgentId
    org_most: History[int]
    carrier_most: History[int]
    people: dict[str, History[Person]] = field(default_factory=dict)
    campaigns: dict[CampaignId, CampaignModel] = field(default_factory=dict)
    promises: list[Promise] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
