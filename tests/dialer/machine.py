"""State machines on the engine: real operations on a real database, one for all runs of a machine, emptied for each."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from agentalk.carriers.simulator.faults import NO_FAULTS
from agentalk.store.database import Database
from tests.conftest import NOW
from tests.dialer.scene import ALWAYS, Scene

Result = TypeVar("Result")
_EMPTY = "TRUNCATE organizations, calls, dialers, carrier_events, events, campaign_tallies, outcome_tallies CASCADE"


class EngineMachine(RuleBasedStateMachine):
    """A scene at `NOW`, and the loop to run it in."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        super().__init__()
        self._runner = runner
        self.stage = Scene(database, NOW, ALWAYS, NO_FAULTS)
        self.run(self.stage.sql(_EMPTY))
        self.run(self.stage.set_up(1000, 1000, 10_000))

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do it, and wait for it."""
        return self._runner.run(work)

    def ask(self, operation: Callable[..., Coroutine[Any, Any, Result]], *arguments: Any) -> Result:
        """One operation in a transaction of its own."""
        return self.run(self.stage.database.run(operation, *arguments))

    @property
    def now(self) -> datetime:
        """The scene's time."""
        return self.stage.now


def run_machine(
    dsn: str, machine: Callable[[asyncio.Runner, Database], EngineMachine], *, runs: int, steps: int
) -> None:
    """So many runs of so many steps, the same ones every time.

    A run that fails is shown as it was: to find a shorter one takes minutes on a real database.
    """
    with asyncio.Runner() as runner:
        database = Database(dsn)
        runner.run(database.open())
        try:
            run_state_machine_as_test(
                cast(type[EngineMachine], partial(machine, runner, database)),
                settings=settings(
                    max_examples=runs,
                    stateful_step_count=steps,
                    deadline=None,
                    derandomize=True,
                    phases=(Phase.generate,),
                ),
            )
        finally:
            runner.run(database.close())
