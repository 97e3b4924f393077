"""From contacts that are due to reserved calls: each is judged, and reserved, set aside for a while, or skipped."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from agentalk.dialer.judge import Judge, aside, since, tell
from agentalk.domain.caller_id import Rota
from agentalk.domain.ids import CallId, CampaignId, DecisionId, DialerId, OrgId, uuid7
from agentalk.domain.policy.decision import Facts, Verdict
from agentalk.domain.policy.version import Kept
from agentalk.store import claims, events, facts
from agentalk.store.claims import Candidate, Reservation, SetAside
from agentalk.store.database import Tx
from agentalk.store.dialing import ActiveCampaign, Share
from agentalk.store.facts import Asked

# A reservation is dialled within milliseconds; one that is not was forgotten.
_RELEASE_AFTER = timedelta(seconds=10)
# Where many stand aside, those behind them get their turn: so many at a time, and so often in one turn.
_FURTHER = 200
_ROUNDS = 5


class Reserved(msgspec.Struct, frozen=True):
    """The calls reserved, what is kept of why, and whether anyone was skipped."""

    reservations: list[Reservation]
    decisions: frozenset[DecisionId]
    skipped: bool


NOBODY = Reserved([], frozenset(), skipped=False)


async def reserve(
    tx: Tx,
    org: OrgId,
    shares: Sequence[Share],
    campaigns: Mapping[CampaignId, ActiveCampaign],
    *,
    dialer: DialerId,
    rota: Rota,
    decisions: Collection[DecisionId],
    now: datetime,
) -> Reserved:
    """Reserve a call for each due contact of the shares that may be called, up to their quotas.

    Needs the organization's lock. `rota` gives the numbers to call from; `decisions` are known to be kept.
    """
    rules = {share.campaign_id: campaigns[share.campaign_id].rules for share in shares}
    judge = Judge(rules, await facts.do_not_call(tx, org), now)
    choice = _Choice(shares, campaigns, judge, rota, now)
    earliest = since(((rules[share.campaign_id], share.zones) for share in shares), now)
    zones = {share.campaign_id: share.zones for share in shares}
    wanted = dict(choice.left)
    skipped = False
    for _ in range(_ROUNDS):
        candidates = await claims.pick(tx, org, {id: (zones[id], most) for id, most in wanted.items()}, now)
        if not candidates:
            break
        asked = [Asked(candidate.campaign_id, candidate.contact_id) for candidate in candidates]
        taken, stood_aside = choice.choose(candidates, await facts.gather(tx, org, asked, earliest))
        fresh = {id: kept for id, kept in choice.decisions.items() if id not in decisions}
        if fresh:
            await judge.keep(tx, fresh.values())
        if taken:
            await claims.reserve(tx, org, taken, dialer=dialer, now=now, release_at=now + _RELEASE_AFTER)
        if stood_aside:
            happenings = tell(org, await claims.set_aside(tx, stood_aside))
            await events.add_events(tx, happenings, now)
            skipped = skipped or bool(happenings)
        picked = Counter(candidate.campaign_id for candidate in candidates)
        wanted = {
            id: max(choice.left[id], _FURTHER)
            for id, most in wanted.items()
            if choice.left[id] > 0 and picked[id] == most
        }
        if not wanted:
            break
    return Reserved(choice.reservations, frozenset(choice.decisions), skipped)


class _Choice:
    """What a turn has chosen so far, and by which decisions. `left` is how many calls each campaign may still get."""

    def __init__(
        self,
        shares: Sequence[Share],
        campaigns: Mapping[CampaignId, ActiveCampaign],
        judge: Judge,
        rota: Rota,
        now: datetime,
    ) -> None:
        self.left = {share.campaign_id: share.quota for share in shares}
        self.reservations: list[Reservation] = []
        self.decisions: dict[DecisionId, Kept] = {}
        self._shares = {share.campaign_id: share for share in shares}
        self._campaigns = campaigns
        self._judge = judge
        self._rota = rota
        self._phones: set[str] = set()
        self._now = now

    def choose(self, candidates: Sequence[Candidate], known: facts.Known) -> tuple[list[Reservation], list[SetAside]]:
        """Who of the candidates is reserved, and who stands aside. Whoever is beyond a quota stays where they are."""
        taken: list[Reservation] = []
        stood_aside: list[SetAside] = []
        for candidate in candidates:
            if self.left[candidate.campaign_id] <= 0:
                continue
            verdict = self._place(candidate, known[candidate.campaign_id, candidate.contact_id])
            if isinstance(verdict, SetAside):
                stood_aside.append(verdict)
            elif verdict is None:
                self.left[candidate.campaign_id] = 0
            else:
                taken.append(verdict)
        self.reservations += taken
        return taken, stood_aside

    def _place(self, candidate: Candidate, about: Facts) -> Reservation | SetAside | None:
        """None: the campaign has no number left to call from today."""
        campaign = self._campaigns[candidate.campaign_id]
        if about.group != candidate.zones:
            return aside(candidate.campaign_id, candidate.contact_id, about, None)
        # One phone has one call at a time: that reserved a moment ago counts for whoever comes after it in this turn.
        if about.phone in self._phones:
            about = replace(about, phone_busy=True)
        decision = self._judge.decide(campaign.id, about)
        if decision.verdict is not Verdict.CALL or about.phone is None:
            return aside(candidate.campaign_id, candidate.contact_id, about, decision)
        caller_id = self._rota.next(campaign.numbers, about.phone)
        if caller_id is None and campaign.numbers.caller_ids:
            return None
        self.left[campaign.id] -= 1
        self._phones.add(about.phone)
        share = self._shares[campaign.id]
        kept = self._judge.kept(campaign.id, decision)
        self.decisions[kept.id] = kept
        return Reservation(
            id=CallId(uuid7(self._now)),
            campaign_id=campaign.id,
            contact_id=candidate.contact_id,
            carrier_id=share.carrier_id,
            carrier=share.carrier,
            zones=about.group,
            phone=about.phone,
            caller_id=caller_id,
            decision_id=kept.id,
            name=candidate.name,
            attributes=candidate.attributes,
        )
