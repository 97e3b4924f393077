"""Acts: what is done to a drill's processes, and how acts that mostly wait are played side by side."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.drill import SHORT, Drill, drill, served
from tests.journeys.table import Row

Play = Callable[[Drill], float | None]


@dataclass(frozen=True)
class Act:
    """One row of the table. `play` returns the seconds to recovery, None where nothing had to recover.

    `number` is the drill's in the design of the engine, `done` what is done in it; a `server` is one process for all
    but the carrier, with a PostgreSQL of its own. `offset` moves the processes into a world whose clock is so many
    seconds ahead.
    """

    name: str
    number: str
    done: str
    play: Play
    mix: Any
    server: bool
    offset: float

    def stage(self, server: str, template: str, cluster: Path, folder: Path) -> AbstractContextManager[Drill]:
        """The processes, up."""
        if self.server:
            return served(cluster, folder, self.mix)
        return drill(server, template, folder, self.mix, self.offset)

    def perform(self, stage: Drill) -> Row:
        """Play it; what came of it, by the carrier's ledger and the database."""
        recovery = self.play(stage)
        return Row(
            number=self.number,
            name=self.name.replace("_", " "),
            done=self.done,
            placements=len(stage.rang()),
            duplicates=stage.duplicates(),
            lost=stage.lost(),
            recovery=recovery,
        )


class Acts:
    """A module's acts, in the order in which they are written."""

    def __init__(self) -> None:
        self.all: dict[str, Act] = {}

    def act(
        self, number: str, done: str, *, mix: Any = SHORT, server: bool = False, offset: float = 0
    ) -> Callable[[Play], Play]:
        """Enter the function below as an act."""

        def enter(play: Play) -> Play:
            name = play.__name__
            self.all[name] = Act(name, number, done, play, mix, server, offset)
            return play

        return enter

    def play(self, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Row]]]:
        """Those that this run asked for, all at once, each on a database of its own."""
        server, template, cluster = (request.getfixturevalue(name) for name in ("server", "template", "cluster"))
        folders: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")

        def run(act: Act, folder: Path) -> Row:
            with act.stage(server, template, cluster, folder) as stage:
                return act.perform(stage)

        wanted = " ".join(item.name for item in request.session.items)
        chosen = [act for act in self.all.values() if f"[{act.name}]" in wanted]
        with ThreadPoolExecutor(max(1, len(chosen))) as pool:
            yield {act.name: pool.submit(run, act, folders.mktemp("drill")) for act in chosen}
