"""A campaign against the table of its states: started, scheduled, paused, stopped, added to, finished, in any order."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.errors import Conflict
from agentalk.domain.ids import ContactId
from agentalk.domain.policy.model import CallingPolicy
from agentalk.operations import campaign_contacts, campaigns
from tests.builders import a_contact
from tests.dialer.machine import EngineMachine, run_machine
from tests.dialer.scene import NEW_YORK
from tests.operations.test_campaigns import TABLE

DRAFT, ACTIVE, PAUSED, STOPPED, COMPLETED = CampaignStatus
# How a contact stands. Who was hung up is canceled when the call has ended, who was reset is pending then.
PENDING, LIVE, HUNG_UP, RESET, DONE, CANCELED = "pending", "live", "hung up", "reset", "completed", "canceled"
SHOWN = {LIVE: "calling", HUNG_UP: "calling", RESET: "calling"}


class CampaignMachine(EngineMachine):
    """Everyone answers. Whoever is dialled rings until `work` lets time pass."""

    @initialize(status=st.sampled_from([DRAFT, ACTIVE, ACTIVE]), n=st.integers(0, 3))
    def begin(self, status: CampaignStatus, n: int) -> None:
        self.id = self.run(self.stage.campaign(0, status=status, policy=CallingPolicy(frequency=())))
        self.status = status
        self.start_at: datetime | None = None
        self.people: dict[ContactId, str] = {}
        self.dialed = 0
        self.gets_contacts(n)

    @property
    def live(self) -> list[ContactId]:
        return [id for id, state in self.people.items() if state in SHOWN]

    # -- what may be asked of it

    @rule(name=st.sampled_from(["start", "start at T", "pause", "stop"]))
    def is_asked(self, name: str) -> None:
        target = TABLE[self.status, name]
        at = self.now + timedelta(minutes=15) if name == "start at T" else None
        operation, more = {"pause": (campaigns.pause, []), "stop": (campaigns.stop, [])}.get(
            name, (campaigns.start, [at])
        )
        if target is None:
            with pytest.raises(Conflict):
                self.ask(operation, self.stage.org, self.id, *more, self.now)
            return
        self.ask(operation, self.stage.org, self.id, *more, self.now)
        self.start_at = at
        if name == "stop" and self.status is not STOPPED:
            for id, state in self.people.items():
                self.people[id] = {PENDING: CANCELED, LIVE: HUNG_UP, RESET: HUNG_UP}.get(state, state)
        self.status = target

    @precondition(lambda self: self.status is ACTIVE)
    @rule(name=st.sampled_from(["stop", "pause"]), again=st.booleans())
    def is_halted_during_calls(self, name: str, again: bool) -> None:
        self.gets_contacts(1)
        self.is_dialed()
        self.is_asked(name)
        if again:
            self.is_asked("start")

    @rule(n=st.integers(1, 2))
    def gets_contacts(self, n: int) -> None:
        ids = [self.run(self._a_contact()) for _ in range(n)]
        added = self.ask(campaign_contacts.add, self.stage.org, self.id, ids, self.now)
        assert (added.added, added.reset, added.invalid) == (n, 0, 0)
        self.people |= dict.fromkeys(ids, PENDING)

    @precondition(lambda self: self.people)
    @rule(data=st.data())
    def gets_a_contact_again(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.people)))
        added = self.ask(campaign_contacts.add, self.stage.org, self.id, [id], self.now)
        assert (added.added, added.reset) == (0, 1)
        self.people[id] = RESET if id in self.live else PENDING

    # -- what the engine does

    @rule()
    def goes_on(self) -> None:
        """Started, or dialled and talked to: what happens most."""
        if self.status is ACTIVE:
            self.works()
        else:
            self.is_asked("start")

    @rule()
    def is_dialed(self) -> None:
        self.run(self.stage.tick())
        self._expect_tick()

    @rule()
    def works(self) -> None:
        """Calls are hung up, or answered and talked through, twice: who was reset meanwhile is called again."""
        for _ in range(2):
            self.run(self.stage.tick())
            self._expect_tick()
            self.run(self.stage.pass_time(seconds=30))
            ends = {LIVE: DONE, HUNG_UP: CANCELED, RESET: PENDING}
            self.people = {id: ends.get(state, state) for id, state in self.people.items()}

    @precondition(lambda self: not self.live)
    @rule(minutes=st.integers(1, 20))
    def waits(self, minutes: int) -> None:
        self.stage.now += timedelta(minutes=minutes)

    def _expect_tick(self) -> None:
        if self.start_at is not None and self.start_at <= self.now:
            self.status, self.start_at = ACTIVE, None
        if self.status is not ACTIVE:
            return
        if self.people and all(state in (DONE, CANCELED) for state in self.people.values()):
            self.status = COMPLETED
        for id, state in self.people.items():
            if state is PENDING:
                self.people[id] = LIVE
                self.dialed += 1

    # -- what must hold

    @invariant()
    def is_as_the_model_says(self) -> None:
        if not hasattr(self, "id"):
            return
        found = self.ask(campaigns.get, self.stage.org, self.id)
        assert (found.status, found.start_at) == (self.status, self.start_at)
        expected = Counter(SHOWN.get(state, state) for state in self.people.values())
        counts = {name: getattr(found.counts, name) for name in found.counts.__struct_fields__ if name != "total"}
        assert {name: n for name, n in counts.items() if n} == dict(expected)
        assert found.counts.total == len(self.people) == sum(counts.values())
        assert (found.ended_at is None) == (found.status in (DRAFT, ACTIVE, PAUSED))

    @invariant()
    def nobody_is_called_without_being_added_or_reset(self) -> None:
        if hasattr(self, "id"):
            placed = self.stage.placements()
            assert len(placed) == len(set(placed)) == self.dialed

    async def _a_contact(self) -> ContactId:
        async with self.stage.database.transaction() as tx:
            return await a_contact(tx, self.stage.org, now=self.now, zones=NEW_YORK)


def test_any_course_of_a_campaign_follows_the_table(dsn: str) -> None:
    run_machine(dsn, CampaignMachine, runs=25, steps=15)
