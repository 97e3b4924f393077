"""Lists of numbers that are not to be called, as their users see them."""

from datetime import datetime

import msgspec

from agentalk.domain.ids import CampaignId, ListId
from agentalk.domain.opt_out import OptOut
from agentalk.domain.policy.decision import DoNotCallList


class NumberList(DoNotCallList, frozen=True, kw_only=True, rename="camel"):
    """A list of numbers that are not to be called: the organization's own, one campaign's, or a public registry's.

    A registry counts where its `jurisdiction` (as US, FR) does, for calls of its `purposes` (none named: of all), and
    as long as its data, of the day `as_of`, is not too old.
    """

    id: ListId
    campaign_id: CampaignId | None = None
    created_at: datetime
    updated_at: datetime


class ListedNumber(msgspec.Struct, frozen=True, rename="camel"):
    """A number on a list, and since when."""

    phone: str
    added_at: datetime


class Listed(msgspec.Struct, frozen=True, rename="camel"):
    """A list that holds the number in question, since `added_at`."""

    list: NumberList
    added_at: datetime


class NumberCheck(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that stands against calling a number: its opt-out, and the lists that hold it."""

    phone: str
    opt_out: OptOut | None
    lists: tuple[Listed, ...]
