"""What the users of a world do while it runs: each act a request of its own, as the API's doors would make it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from msgspec.structs import replace

from agentalk.domain.caller_id import CallerIdRule
from agentalk.domain.contact import zone_group
from agentalk.domain.contact_file import ContactRow
from agentalk.domain.errors import Refusal
from agentalk.domain.ids import CampaignId, ContactId
from agentalk.domain.policy.decision import ListKind
from agentalk.domain.policy.model import AbandonLimit, CallingPolicy, CapScope, FrequencyCap, Purpose
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import WEEK, Slot, TimeZoneMode, UnknownTimeZone, Window
from agentalk.operations import calls, campaign_contacts, campaigns, contacts, do_not_call, opt_outs
from agentalk.operations.campaigns import CampaignPatch, NewCampaign
from agentalk.operations.contacts import ContactPatch
from agentalk.operations.do_not_call import NewNumberList
from agentalk.operations.opt_outs import NewOptOut
from agentalk.store import contacts as store
from agentalk.store.database import Tx, Unavailable
from tests.simulation import rows
from tests.simulation.database import ActorsDatabase, Line, Server
from tests.simulation.model import CampaignModel, Model, Promise
from tests.simulation.oracle import History
from tests.simulation.people import Person, a_person, some_consent, some_person
from tests.simulation.schedule import Actor, Hand

Work = Callable[[Tx], Awaitable[object]]

_WORKDAYS = WEEK[:5]
WINDOWS = (
    Window(),
    Window(),
    Window(slots=tuple(Slot(day, "10:00", "13:00") for day in WEEK)),
    Window(
        slots=tuple(Slot(day, start, end) for day in WEEK for start, end in (("08:00", "11:30"), ("15:00", "22:00")))
    ),
    Window(slots=tuple(Slot(day, "09:00", "17:00") for day in _WORKDAYS)),
    Window(slots=tuple(Slot(day, "18:00", "02:00") for day in WEEK)),
    Window(time_zone="America/Chicago", unknown_time_zone=UnknownTimeZone.CAMPAIGN),
    Window(time_zone_mode=TimeZoneMode.CAMPAIGN, time_zone="Europe/London"),
)
USUAL_CAPS = (FrequencyCap(CapScope.PHONE, 3, 24), FrequencyCap(CapScope.PHONE, 7, 7 * 24))
CAPS = (
    None,
    None,
    (FrequencyCap(CapScope.PHONE, 1, 20),),
    (FrequencyCap(CapScope.PHONE, 2, 4), FrequencyCap(CapScope.CONTACT, 4, 48)),
)
# What is done, and how often compared with the rest.
ACTS = {
    "pause": 6,
    "start": 6,
    "stop": 2,
    "reset": 6,
    "add": 3,
    "opt out": 4,
    "remove": 3,
    "window": 3,
    "phone": 5,
    "delete": 2,
    "schedule": 2,
    "hang up": 2,
    "limit": 2,
    "list": 4,
    "consent": 4,
}


class Users:
    """Everybody who may change something, one act at a time and several at once."""

    def __init__(self, hand: Hand, server: Server, model: Model, random: Random, phones: Sequence[str] = ()) -> None:
        self._hand, self._server, self.model, self._random = hand, server, model, random
        self._database = ActorsDatabase(server)
        self._acts = 0
        self._people = 0
        # Those of others' people too: an organization's calls are nothing to another's.
        self.phones = list(phones)
        self.quiet = False

    def act(self, kind: str | None = None, campaign: CampaignModel | None = None) -> None:
        """Begin an act, a drawn one if none is given."""
        if self.quiet:
            return
        self._acts += 1
        kind = kind or self._random.choices(list(ACTS), list(ACTS.values()))[0]
        campaign = campaign or self._random.choice(list(self.model.campaigns.values()))
        actor = Actor(f"user-{self._acts}", self._hand)
        actor.begin(self._request(actor, kind, campaign))

    async def _request(self, actor: Actor, kind: str, campaign: CampaignModel) -> None:
        work = getattr(self, "_" + kind.replace(" ", "_"))(campaign)
        if work is None:
            return
        try:
            await self._database.run(work)
            said = "done"
        except Refusal as refusal:
            said = refusal.code
        except Unavailable:
            said = "no answer"
        self._hand.trace(actor.name, f"{kind} {campaign.name}", said)

    def later(self, seconds: float, kind: str, campaign: CampaignModel) -> None:
        """Act in so many seconds."""
        self._hand.loop.call_later(seconds, self.act, kind, campaign)

    async def campaign(self, database: ActorsDatabase, name: str, rate: float, retry: RetryPolicy) -> None:
        """A campaign as some user would make it."""
        random, model = self._random, self.model
        window, most, caps = random.choice(WINDOWS), random.choice((3, 10, 30)), random.choice(CAPS)
        draft = NewCampaign(
            name=name,
            agent_id=model.agent,
            caller_ids=("+12125550999", "+12125550998"),
            max_concurrency=most,
            calls_per_second=rate,
            priority=random.choice((0, 0, 1, 5)),
            window=window,
            retry=retry,
            policy=CallingPolicy(
                frequency=caps,
                purpose=random.choice((None, None, Purpose.SURVEY)),
                require_consent=random.choice((None, None, True)),
                abandon=random.choice((None, AbandonLimit(min_sample=10))),
            ),
            caller_id_rule=CallerIdRule(daily_cap=random.choice((None, None, 40))),
        )
        made = await database.run(campaigns.create, model.org, draft, self._hand.now())
        model.campaigns[made.id] = CampaignModel(
            made.id,
            model,
            name,
            History(window),
            History(most),
            retry.max_attempts,
            caps or USUAL_CAPS,
            draft.policy,
            draft.caller_id_rule.daily_cap,
        )

    async def lists(self, tx: Tx) -> None:
        """The organization's lists of numbers: its own, a campaign's, a registry's whose data may grow too old."""
        now, model = self._hand.now(), self.model
        model.registry_of = (now - timedelta(days=self._random.choice((5, 30, 30, 30, 40)))).date()
        registry = {"jurisdiction": "US", "purposes": (Purpose.SURVEY,), "as_of": model.registry_of}
        said: dict[ListKind, dict[str, Any]] = {
            ListKind.ORGANIZATION: {},
            ListKind.CAMPAIGN: {"campaign_id": next(iter(model.campaigns))},
        }
        if self._random.random() < 0.5:
            said[ListKind.REGISTRY] = registry
        for kind, more in said.items():
            made = await do_not_call.create(tx, model.org, NewNumberList(kind=kind, name=kind, **more), now)
            model.lists[kind] = made.id

    async def person(self, tx: Tx) -> ContactId:
        """Somebody new."""
        person = self._somebody()
        id = ContactId(person.id)
        await contacts.put(tx, self.model.org, id, person.draft, None, self._hand.now())
        return id

    async def crowd(self, tx: Tx, many: int) -> list[ContactId]:
        """So many new people at once."""
        people = [self._somebody() for _ in range(many)]
        await store.merge(tx, self.model.org, [_row(person) for person in people], self._hand.now())
        return [ContactId(person.id) for person in people]

    def _somebody(self) -> Person:
        self._people += 1
        person = some_person(self._random, f"{self.model.letter}{self._people:04}", self.phones, self._hand.now())
        self.model.people[person.id] = History(person)
        return person

    def _pause(self, campaign: CampaignModel) -> Work:
        self.later(self._random.uniform(1, 1800), "start", campaign)
        return lambda tx: campaigns.pause(tx, self.model.org, campaign.id, self._hand.now())

    def _start(self, campaign: CampaignModel) -> Work:
        return lambda tx: campaigns.start(tx, self.model.org, campaign.id, None, self._hand.now())

    def _schedule(self, campaign: CampaignModel) -> Work:
        at = self._hand.now() + timedelta(seconds=self._random.uniform(1, 7200))
        return lambda tx: campaigns.start(tx, self.model.org, campaign.id, at, self._hand.now())

    def _stop(self, campaign: CampaignModel) -> Work:
        if self._random.random() < 0.7:
            self.later(self._random.uniform(10, 7200), "start", campaign)
            self.later(self._random.uniform(10, 7200), "reset", campaign)

        async def work(tx: Tx) -> None:
            await campaigns.stop(tx, self.model.org, campaign.id, self._hand.now())
            _line(tx).effects.append(lambda: campaign.stopped.append(self._hand.loop.virtual))

        return work

    def _reset(self, campaign: CampaignModel) -> Work:
        some = self._some_people(self._random.choice((1, 5, 40)))
        # Half of the time somebody who is just being called.
        calling = [row[0] for row in self._server.control.rows(rows.ON_CALL, campaign=campaign.id)]
        if calling and self._random.random() < 0.6:
            some = [ContactId(id) for id in self._random.sample(calling, min(2, len(calling)))]

        async def work(tx: Tx) -> None:
            await campaign_contacts.add(tx, self.model.org, campaign.id, some, self._hand.now())
            _line(tx).effects.append(lambda: self._promise(campaign.id, some))

        return work

    def _promise(self, campaign: CampaignId, some: list[ContactId]) -> None:
        asked = set(some)
        for contact, generation, invalid in self._server.control.rows(rows.ON_CALL, campaign=campaign):
            if contact in asked and not invalid:
                self.model.promises.append(Promise(campaign, contact, generation, self._hand.loop.virtual))

    def _add(self, campaign: CampaignModel) -> Work:
        async def work(tx: Tx) -> None:
            some = [await self.person(tx) for _ in range(self._random.choice((1, 3, 8)))]
            await campaign_contacts.add(tx, self.model.org, campaign.id, some, self._hand.now())

        return work

    def _opt_out(self, campaign: CampaignModel) -> Work:
        reserved = [row[0] for row in self._server.control.rows(rows.RESERVED, org=self.model.org)]
        phone = self._random.choice(reserved or self.phones)
        return lambda tx: opt_outs.create(tx, self.model.org, NewOptOut(phone=phone), self._hand.now())

    def _list(self, campaign: CampaignModel) -> Work:
        reserved = [row[0] for row in self._server.control.rows(rows.RESERVED, org=self.model.org)]
        phones = [self._random.choice(reserved or self.phones), *self._random.choices(self.phones, k=2)]
        id = self._random.choice(list(self.model.lists.values()))
        return lambda tx: do_not_call.add(tx, self.model.org, id, phones, self._hand.now())

    def _consent(self, campaign: CampaignModel) -> Work:
        id = self._some_people(1)[0]
        history = self.model.people[id]
        consent = some_consent(self._random, self._hand.now())

        def told() -> None:
            # By what the person is by then: somebody else may have changed the phone meanwhile.
            person = a_person(id, history.now.phone, replace(history.now.draft, consent=consent))
            history.change(self._hand.loop.virtual, person)

        async def work(tx: Tx) -> None:
            now = self._hand.now()
            await contacts.change(tx, self.model.org, id, ContactPatch(consent=consent), None, now)
            _line(tx).effects.append(told)

        return work

    def _remove(self, campaign: CampaignModel) -> Work:
        contact = self._some_people(1)[0]
        return lambda tx: campaign_contacts.remove(tx, self.model.org, campaign.id, contact)

    def _window(self, campaign: CampaignModel) -> Work:
        window = self._random.choice(WINDOWS)

        async def work(tx: Tx) -> None:
            now = self._hand.now()
            await campaigns.change(tx, self.model.org, campaign.id, CampaignPatch(window=window), None, now)
            _line(tx).effects.append(lambda: campaign.window.change(self._hand.loop.virtual, window))

        return work

    def _limit(self, campaign: CampaignModel) -> Work:
        most = self._random.choice((1, 3, 12))

        async def work(tx: Tx) -> None:
            now = self._hand.now()
            await campaigns.change(tx, self.model.org, campaign.id, CampaignPatch(max_concurrency=most), None, now)
            _line(tx).effects.append(lambda: campaign.most.change(self._hand.loop.virtual, most))

        return work

    def _phone(self, campaign: CampaignModel) -> Work:
        id = self._some_people(1)[0]
        # Often somebody else's who wants no calls.
        left_alone = [row[0] for row in self._server.control.rows(rows.OPTED_OUT, org=self.model.org)]
        phone = self._random.choice(left_alone if left_alone and self._random.random() < 0.4 else self.phones)
        history = self.model.people[id]

        def told() -> None:
            history.change(self._hand.loop.virtual, a_person(id, phone, history.now.draft))

        async def work(tx: Tx) -> None:
            now = self._hand.now()
            await contacts.change(tx, self.model.org, id, ContactPatch(phone=phone, address=None), None, now)
            self.model.moved.add(id)
            _line(tx).effects.append(told)

        return work

    def _delete(self, campaign: CampaignModel) -> Work:
        id = self._some_people(1)[0]

        async def work(tx: Tx) -> None:
            await contacts.delete(tx, self.model.org, id, self._hand.now())
            _line(tx).effects.append(lambda: self.model.deleted.add(id))

        return work

    def _hang_up(self, campaign: CampaignModel) -> Work | None:
        live = [row[0] for row in self._server.control.rows(rows.LIVE_IDS, org=self.model.org)]
        if not live:
            return None
        id = self._random.choice(live)
        return lambda tx: calls.hang_up(tx, self.model.org, id, self._hand.now())

    def _some_people(self, most: int) -> list[ContactId]:
        return [ContactId(id) for id in self._random.choices(list(self.model.people), k=most)]


def _row(person: Person) -> ContactRow:
    draft = person.draft
    return ContactRow(
        id=ContactId(person.id),
        phone=person.phone,
        zones=zone_group(person.phone, draft.time_zone, draft.address),
        name=draft.name,
        time_zone=draft.time_zone,
        address={"country": draft.address.country} if draft.address and draft.address.country else None,
        consent=draft.consent,
    )


def _line(tx: Tx) -> Line:
    assert isinstance(tx, Line)
    return tx
