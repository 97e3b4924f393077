"""What the users of a world have asked for, kept apart from the database: what the invariants are judged by."""

from dataclasses import dataclass, field
from datetime import date

from agentalk.domain.ids import AgentId, CampaignId, ContactId, ListId, OrgId
from agentalk.domain.policy.decision import ListKind
from agentalk.domain.policy.model import CallingPolicy, FrequencyCap
from agentalk.domain.window import Window
from tests.simulation.oracle import History
from tests.simulation.people import Person


@dataclass
class CampaignModel:
    """A campaign as its owners made it."""

    id: CampaignId
    home: "Model"
    name: str
    window: History[Window]
    most: History[int]
    max_attempts: int
    caps: tuple[FrequencyCap, ...]
    policy: CallingPolicy
    daily_cap: int | None
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
    """An organization as asked for. `registry_of` is the day of its registry's data, `lists` are its lists by kind."""

    letter: str
    org: OrgId
    agent: AgentId
    org_most: History[int]
    carrier_most: History[int]
    people: dict[str, History[Person]] = field(default_factory=dict)
    campaigns: dict[CampaignId, CampaignModel] = field(default_factory=dict)
    promises: list[Promise] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    # Contacts whose phone was changed: what they were skipped for was said of another.
    moved: set[str] = field(default_factory=set)
    lists: dict[ListKind, ListId] = field(default_factory=dict)
    registry_of: date = date.min
