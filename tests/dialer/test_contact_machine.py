"""Contacts in a campaign against a simple model: added, reset, removed, called back, claimed, dialled, opted out, with
every outcome there is, in a campaign that is paused, stopped, finished and started again.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from agentalk.carriers.simulator.faults import Faults
from agentalk.dialer.claim import Turn, claim
from agentalk.domain.call import CallEvent, Doubtful, EventType, Lost, Outcome, Report
from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.errors import Conflict, NotFound
from agentalk.domain.ids import CallId, ContactId
from agentalk.domain.policy.model import CallingPolicy
from agentalk.domain.retry import NEVER_RETRIED, RetryPolicy, RetryRule
from agentalk.operations import campaign_contacts, campaigns, opt_outs
from agentalk.operations.opt_outs import NewOptOut
from agentalk.operations.reports import record
from tests.builders import a_contact
from tests.dialer.machine import EngineMachine, run_machine
from tests.dialer.scene import NEW_YORK

_, ACTIVE, PAUSED, STOPPED, COMPLETED = CampaignStatus
MOST = 2
RETRY = RetryPolicy(MOST, (RetryRule(Outcome.BUSY, (1,), 1), RetryRule(Outcome.NO_ANSWER, (2,))))
CLOSED = ("skipped", "canceled")


class Person(msgspec.Struct):
    """All that the model knows of a contact in the campaign. `call` is the one that is live."""

    status: str = "pending"
    attempts: int = 0
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    reset: bool = False
    callback: bool = False
    call: CallId | None = None
    dialed: bool = False
    called: bool = False


class ContactMachine(EngineMachine):
    """Three people. `turn` holds reservations that are not dialled yet."""

    @initialize(stage=st.sampled_from(["dialed", "claimed", "fresh"]))
    def begin(self, stage: str) -> None:
        policy = CallingPolicy(frequency=())
        self.id = self.run(self.stage.campaign(0, retry=RETRY, policy=policy))
        self.status = ACTIVE
        self.ids = [self.run(self._a_contact()) for _ in range(3)]
        self.people: dict[ContactId, Person] = {}
        self.opted_out: set[ContactId] = set()
        self.wrong_number: set[ContactId] = set()
        self.turn: Turn | None = None
        self.dialer = self.run(self.stage.registered())
        self.are_added([0, 1])
        if stage != "fresh":
            self.are_claimed(1)
        if stage == "dialed":
            self.are_dialed(refused=False)

    # -- what people ask for

    @rule(whom=st.lists(st.integers(0, 2), min_size=1, max_size=3))
    def are_added(self, whom: list[int]) -> None:
        ids = {self.ids[n] for n in whom}
        added = self.ask(campaign_contacts.add, self.stage.org, self.id, [self.ids[n] for n in whom], self.now)
        valid = ids - self.opted_out - self.wrong_number
        assert (added.added, added.invalid) == (len(valid - self.people.keys()), len(ids - valid))
        assert added.added + added.reset == len(valid)
        for id in valid:
            person = self.people.get(id)
            if person and person.call:
                person.reset, person.callback = True, False
            else:
                self.people[id] = Person(called=bool(person and person.called))

    @rule(n=st.integers(0, 2))
    def is_removed(self, n: int) -> None:
        id = self.ids[n]
        person = self.people.get(id)
        if person is None or person.call:
            with pytest.raises(NotFound if person is None else Conflict):
                self.ask(campaign_contacts.remove, self.stage.org, self.id, id)
            return
        self.ask(campaign_contacts.remove, self.stage.org, self.id, id)
        if not person.called:
            del self.people[id]
        elif person.status in ("pending", "waiting"):
            person.status = "canceled"

    @rule(n=st.integers(0, 2), minutes=st.integers(-5, 5))
    def is_to_be_called_back(self, n: int, minutes: int) -> None:
        id, at = self.ids[n], self.now + timedelta(minutes=minutes)
        person = self.people.get(id)
        asked: tuple[Any, ...] = (campaign_contacts.call_back, self.stage.org, self.id, id, at, self.now)
        if person is None:
            with pytest.raises(NotFound):
                self.ask(*asked)
        elif id in self.opted_out or person.status in CLOSED or (0 if person.reset else person.attempts) > MOST:
            with pytest.raises(Conflict):
                self.ask(*asked)
        else:
            told = self.ask(*asked)
            assert (told.callback, told.status) == (True, "calling" if person.call else "waiting")
            if person.call:
                person.callback = True
            else:
                person.status = "waiting"

    @rule(n=st.integers(0, 2))
    def opts_out(self, n: int) -> None:
        id = self.ids[n]
        self.ask(opt_outs.create, self.stage.org, NewOptOut(contact_id=id), self.now)
        self._give_back([id])
        self.opted_out.add(id)
        person = self.people.get(id)
        if person and person.status in ("pending", "waiting"):
            person.status = "skipped"

    @rule(name=st.sampled_from(["start", "pause", "stop"]))
    def is_asked(self, name: str) -> None:
        if name == "start":
            self.ask(campaigns.start, self.stage.org, self.id, None, self.now)
            self.status = ACTIVE
        elif self.status in (ACTIVE, PAUSED):
            self.ask(campaigns.pause if name == "pause" else campaigns.stop, self.stage.org, self.id, self.now)
            self._give_back(self.ids)
            self.status = PAUSED if name == "pause" else STOPPED
            for person in self.people.values():
                if name == "pause":
                    continue
                person.reset = person.callback = False
                if person.status in ("pending", "waiting"):
                    person.status = "canceled"

    @precondition(lambda self: any(person.call for person in self.people.values()))
    @rule(data=st.data(), name=st.sampled_from(["pause", "stop", "opt out"]), again=st.booleans())
    def is_asked_for_during_its_call(self, data: st.DataObject, name: str, again: bool) -> None:
        n = data.draw(
            st.sampled_from([n for n, id in enumerate(self.ids) if id in self.people and self.people[id].call])
        )
        if again:
            self.are_added([n])
        self.is_to_be_called_back(n, 1)
        if name == "opt out":
            self.opts_out(n)
        else:
            self.is_asked(name)

    # -- what the engine does

    @precondition(lambda self: self.turn is None)
    @rule(minutes=st.integers(1, 4))
    def are_claimed(self, minutes: int) -> None:
        self.stage.now += timedelta(minutes=minutes)
        self.dialer = self.run(self.stage.registered())
        due = {
            id
            for id, due_at in self.run(self.stage.sql("SELECT contact_id, due_at FROM campaign_contacts"))
            if self.people[id].status in ("pending", "waiting") and due_at <= self.now
        }
        everyone = {person.status for person in self.people.values()}
        if self.status is ACTIVE and everyone and not everyone & {"pending", "waiting", "calling"}:
            self.status = COMPLETED
        self.turn = self.run(self._claim())
        # Whom the claim finds out about is skipped; the others are all called.
        gone = {id for id in due if id in self.opted_out | self.wrong_number} if self.status is ACTIVE else set()
        for id in gone:
            self.people[id].status = "skipped"
        reserved = {each.contact_id: each.id for each in self.turn.reservations}
        assert set(reserved) == (due - gone if self.status is ACTIVE else set())
        for id, call in reserved.items():
            self.people[id].status, self.people[id].call = "calling", call

    @precondition(lambda self: self.turn is not None)
    @rule(refused=st.sampled_from([False, False, True]))
    def are_dialed(self, refused: bool) -> None:
        """Whoever is still reserved: the rest was given back."""
        assert self.turn is not None
        assert self.stage.dialer.dispatcher is not None
        self.stage.carrier.exchange.faults = Faults(bad_request=float(refused))
        self.run(self.stage.dialer.dispatcher.dispatch(self.stage.org, self.turn, self.now))
        self.run(self.stage.dialer.settle())
        self.turn = None
        # Nobody but `ends` tells of these calls: the carrier is not asked.
        self.run(self.stage.sql("UPDATE calls SET check_at = '2100-01-01' WHERE live"))
        for id, person in list(self.people.items()):
            if person.call and not person.dialed:
                person.dialed, person.attempts, person.called = not refused, person.attempts + 1, True
                if refused:
                    person.call, person.called = None, self._was_called(id)
                    self._ended(id, person, Outcome.NOT_PLACED, asked=False)

    @precondition(lambda self: any(person.dialed for person in self.people.values()))
    @rule(
        data=st.data(),
        outcome=st.sampled_from([Outcome.BUSY, Outcome.NO_ANSWER, *Outcome]).filter(Outcome.NOT_PLACED.__ne__),
        asked=st.booleans(),
        doubted=st.booleans(),
    )
    def ends(self, data: st.DataObject, outcome: Outcome, asked: bool, doubted: bool) -> None:
        id = data.draw(st.sampled_from(sorted(id for id, person in self.people.items() if person.dialed)))
        person = self.people[id]
        call, person.call, person.dialed = person.call, None, False
        assert call is not None
        end = self._end(call, outcome, self.now + timedelta(minutes=3) if asked else None)
        self._tell([*([Doubtful(call, self.now)] if doubted else []), end, end])
        self._ended(id, person, outcome, asked=asked and isinstance(end, CallEvent))

    def _ended(self, id: ContactId, person: Person, outcome: Outcome, *, asked: bool) -> None:
        person.outcomes[outcome] += 1
        reset, callback = person.reset, person.callback or (asked and self.status is not STOPPED)
        person.reset = person.callback = False
        if outcome is Outcome.NOT_PLACED:
            person.attempts -= 1
        if outcome is Outcome.OPTED_OUT:
            self.opted_out.add(id)
            person.status = "skipped"
            return
        if outcome is Outcome.INVALID_NUMBER:
            self.wrong_number.add(id)
        if reset:
            self.people[id] = person = Person(called=person.called)
        if callback and person.attempts <= MOST and outcome not in NEVER_RETRIED - {Outcome.ANSWERED}:
            person.status = "waiting"
        elif not reset:
            person.status = self._follows(person, outcome)

    def _follows(self, person: Person, outcome: Outcome) -> str:
        if outcome is Outcome.ANSWERED:
            return "completed"
        if self.status is STOPPED or outcome is Outcome.CANCELED:
            return "canceled"
        if outcome is Outcome.INVALID_NUMBER:
            return "skipped"
        again = {Outcome.BUSY: person.outcomes[Outcome.BUSY] <= 1, Outcome.NO_ANSWER: True}.get(outcome, False)
        return "waiting" if outcome is Outcome.NOT_PLACED or (again and person.attempts < MOST) else "exhausted"

    def _give_back(self, ids: list[ContactId]) -> None:
        for id in ids:
            person = self.people.get(id)
            if person and person.call and not person.dialed:
                lane_waits = person.callback or self._waited(id)
                fresh = person.reset and not person.callback
                if person.reset:
                    self.people[id] = person = Person(called=person.called)
                person.status = "pending" if fresh or not lane_waits else "waiting"
                person.call, person.callback = None, False

    def _was_called(self, id: ContactId) -> bool:
        query = "SELECT count(*) FROM calls WHERE contact_id = %s AND counted"
        return bool(self.run(self.stage.one(query, id)))

    def _waited(self, id: ContactId) -> bool:
        """Whether it stood in a lane of those who wait."""
        query = "SELECT lane FROM campaign_contacts WHERE contact_id = %s"
        return bool(self.run(self.stage.one(query, id)) < 2)

    # -- what must hold

    @invariant()
    def is_as_the_model_says(self) -> None:
        if not hasattr(self, "people"):
            return
        rows = self.run(
            self.stage.sql(
                "SELECT contact_id, status, attempts, reset_pending, callback_at IS NOT NULL FROM campaign_contacts"
            )
        )
        assert sorted(rows) == sorted(
            (id, person.status, person.attempts, person.reset, person.callback) for id, person in self.people.items()
        )
        found = self.ask(campaigns.get, self.stage.org, self.id)
        counts = {name: getattr(found.counts, name) for name in found.counts.__struct_fields__}
        assert counts.pop("total") == len(self.people) == sum(counts.values())
        assert {name: n for name, n in counts.items() if n} == dict(Counter(p.status for p in self.people.values()))

    @invariant()
    def nobody_has_two_calls_and_every_attempt_is_one_placement(self) -> None:
        if not hasattr(self, "people"):
            return
        live = self.run(self.stage.sql("SELECT contact_id, id FROM calls WHERE live"))
        assert sorted(live) == sorted((id, person.call) for id, person in self.people.items() if person.call)
        placed = self.stage.placements()
        assert len(placed) == len(set(placed))
        assert set(placed) == {
            id
            for (id,) in self.run(
                self.stage.sql(
                    "SELECT id FROM calls WHERE dialed_at IS NOT NULL AND outcome IS DISTINCT FROM 'not_placed'"
                )
            )
        }

    # -- how it is done

    async def _claim(self) -> Turn:
        async with self.stage.database.transaction() as tx:
            return await claim(tx, self.stage.org, dialer=self.dialer, kinds={"simulator"}, slots=100, now=self.now)

    async def _a_contact(self) -> ContactId:
        async with self.stage.database.transaction() as tx:
            return await a_contact(tx, self.stage.org, now=self.now, zones=NEW_YORK)

    def _end(self, call: CallId, outcome: Outcome, callback_at: Any) -> Report:
        if outcome is Outcome.UNKNOWN:
            return Lost(call, self.now)
        return CallEvent(
            call_id=call, carrier_call_id=str(call), type=EventType.ENDED, sequence=3, at=self.now, outcome=outcome,
            callback_at=callback_at,
        )  # fmt: skip

    def _tell(self, reports: list[Report]) -> None:
        self.ask(record, "simulator", reports, self.now, lambda: 0.0)


def test_any_course_of_contacts_follows_the_model(dsn: str) -> None:
    run_machine(dsn, ContactMachine, runs=30, steps=16)
