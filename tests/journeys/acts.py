"""Acts: what is done to a drill's processes. Each is a test; those of a module are played side by side: most wait."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, assert_never

import pytest

from tests.journeys.drill import SHORT, Drill
from tests.journeys.stages import paired, roles, served
from tests.journeys.table import Row, written_down

Play = Callable[[Drill], float | None]
On = Literal["roles", "server", "pair"]
Played = dict["Act", Future[Row]]


@dataclass(frozen=True, eq=False)
class Act:
    """One row of the table. `play` returns the seconds to recovery, None where nothing had to recover.

    `number` is the drill's in the design of the engine, `done` what is done in it, `on` the stage: processes of one
    role each, a server that does all but the carrier's part, or roles over a pair of PostgreSQLs. In a `world` the
    processes live so many seconds ahead of us, by a clock that the drill may put forward.
    """

    number: str
    done: str
    play: Play
    mix: Any
    on: On
    world: float | None

    @property
    def place(self) -> tuple[str, ...]:
        """The fixtures that it needs."""
        return ("server", "template") if self.on == "roles" else ("cluster",)

    def perform(self, folder: Path, *place: Any) -> Row:
        """Play it on processes of its own; what came of it, by the carrier's ledger and the database."""
        with self._stage(folder, *place) as stage:
            recovery = self.play(stage)
            return Row(
                number=self.number,
                name=self.play.__name__.removeprefix("test_").replace("_", " "),
                done=self.done,
                placements=len(stage.rang()),
                duplicates=stage.duplicates(),
                lost=stage.lost(),
                recovery=recovery,
            )

    def _stage(self, folder: Path, *place: Any) -> AbstractContextManager[Drill]:
        match self.on:
            case "roles":
                return roles(folder, self.mix, self.world, *place)
            case "server":
                return served(folder, self.mix, *place)
            case "pair":
                return paired(folder, self.mix, *place)
        assert_never(self.on)


def act(
    number: str,
    done: str,
    *,
    mix: Any = SHORT,
    on: On = "roles",
    world: float | None = None,
    long: bool = False,
) -> Callable[[Play], Callable[..., None]]:
    """Make the function below a test that plays it: nobody is rung twice, and nobody is lost."""

    def enter(play: Play) -> Callable[..., None]:
        entered = Act(number, done, play, mix, on, world)

        def test(played: Played, record_property: Callable[[str, object], None]) -> None:
            assert written_down(played[entered], record_property).whole

        test.act = entered  # type: ignore[attr-defined]
        mark = pytest.mark.drill_long if long else pytest.mark.drill
        marked: Callable[..., None] = mark(test)
        return marked

    return enter


def acts_of(request: pytest.FixtureRequest) -> list[Act]:
    """The acts of the module that this run asked for, in the order in which they are written."""
    functions = [item.function for item in request.session.items if item.module is request.module]  # type: ignore[attr-defined]
    return [function.act for function in functions if hasattr(function, "act")]
