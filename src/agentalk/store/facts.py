"""What speaks for and against calling someone: for the claim, the second check, a preview, an explanation."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import msgspec

from agentalk.domain.consent import Consent
from agentalk.domain.ids import CallId, CampaignId, ContactId, OrgId
from agentalk.domain.policy.decision import DoNotCallList, Facts, ListKind
from agentalk.domain.policy.model import Purpose
from agentalk.store.database import Tx, fetch
from agentalk.store.queries import load

SQL = load("facts")


class Asked(msgspec.Struct, frozen=True):
    """A contact that a campaign is about to call; `call_id` is the call itself where it exists: it does not count."""

    campaign_id: CampaignId
    contact_id: ContactId
    call_id: CallId | None = None


class DoNotCall(msgspec.Struct, frozen=True):
    """An organization's do-not-call lists: those that count for every campaign, and the campaigns' own."""

    shared: tuple[DoNotCallList, ...]
    own: dict[CampaignId, tuple[DoNotCallList, ...]]

    def of(self, campaign: CampaignId) -> tuple[DoNotCallList, ...]:
        """The lists that count for a campaign."""
        return (*self.shared, *self.own.get(campaign, ()))


Known = dict[tuple[CampaignId, ContactId], Facts]


async def gather(tx: Tx, org: OrgId, asked: Sequence[Asked], since: datetime) -> Known:
    """What is known of these contacts now; attempts are told from `since` on, newest first."""
    if not asked:
        return {}
    rows = await fetch(tx, SQL["gather"], org=org, asked=msgspec.json.encode(asked).decode(), since=since)
    return {
        (campaign, contact): Facts(
            group=zones,
            phone=phone,
            phone_invalid=invalid,
            opted_out=opted_out,
            listed=tuple(listed),
            consent=consent and _read_consent(consent),
            by_phone=tuple(by_phone or ()),
            by_contact=tuple(by_contact or ()),
            last_conversation_at=max(filter(None, (talked, talked_too)), default=None),
            last_abandoned_at=abandoned,
            called_for_other=for_other,
            phone_busy=live,
        )
        for (
            campaign, contact, zones, phone, invalid, consent, opted_out, listed, by_phone, live, for_other, talked,
            abandoned, by_contact, talked_too,
        ) in rows
    }  # fmt: skip


async def do_not_call(tx: Tx, org: OrgId) -> DoNotCall:
    """The organization's lists of numbers that are not to be called."""
    shared: list[DoNotCallList] = []
    own: dict[CampaignId, tuple[DoNotCallList, ...]] = {}
    for id, kind, name, campaign, jurisdiction, purposes, as_of in await fetch(tx, SQL["do_not_call"], org=org):
        one = DoNotCallList(
            id=id,
            kind=ListKind(kind),
            name=name,
            jurisdiction=jurisdiction,
            purposes=tuple(map(Purpose, purposes)),
            as_of=as_of,
        )
        if campaign is None:
            shared.append(one)
        else:
            own[campaign] = (one,)
    return DoNotCall(tuple(shared), own)


@lru_cache(maxsize=4096)
def _read_consent(text: str) -> Consent:
    return msgspec.json.decode(text, type=Consent)
