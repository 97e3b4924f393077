"""A long file of numbers: in parts, all of it or nothing, and in force at its end."""

import io
from typing import Any

import pytest

from agentalk.domain.ids import ListId
from agentalk.domain.policy.decision import ListKind
from agentalk.operations import do_not_call
from agentalk.operations.do_not_call import AddedNumbers, NewNumberList
from agentalk.operations.number_import import import_numbers
from tests.conftest import NOW
from tests.dialer.scene import Scene, scene
from tests.operations.watching import sql

MANY = 12_000


async def a_list(stage: Scene, **said: Any) -> ListId:
    draft = NewNumberList(name="list", **said)
    return (await stage.database.run(do_not_call.create, stage.org, draft, NOW)).id


async def send(stage: Scene, id: ListId, rows: list[str], **said: Any) -> AddedNumbers:
    file = io.BytesIO("\n".join(rows).encode())
    options = {"as_of": None, "replace": False, "default_country": None, "actor": "me", "now": stage.now, **said}
    return await stage.database.run(import_numbers, stage.org, id, file, **options)


def numbers(count: int) -> list[str]:
    return [f"+1212{2_000_000 + n}" for n in range(count)]


async def test_every_part_takes_effect(db: Any) -> None:
    async with scene(db, NOW) as stage:
        rows = numbers(MANY)
        campaign = await stage.campaign([rows[0], rows[MANY // 2], rows[-1], "+12125550100"])
        id = await a_list(stage, kind=ListKind.ORGANIZATION)
        told = await send(stage, id, [*rows, rows[0], *["12"] * 1_500])

        assert (told.rows, told.added, told.known, told.refused) == (MANY + 1_501, MANY, 1, 1_500)
        assert len(told.errors) == 1_000
        assert told.errors[0].row == MANY + 2
        assert told.skipped == 3
        assert await stage.counts(campaign) == {"skipped": 3, "pending": 1}


async def test_a_file_that_breaks_off_changes_nothing(db: Any) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 60_000:
                raise OSError("the disk is gone")
            return super().read(size)

        def read1(self, size: int | None = -1, /) -> bytes:
            return self.read(size)

    async with scene(db, NOW) as stage:
        id = await a_list(stage, kind=ListKind.ORGANIZATION)
        file = Broken("\n".join(numbers(MANY)).encode())
        with pytest.raises(OSError, match="disk"):
            await stage.database.run(
                import_numbers,
                stage.org,
                id,
                file,
                as_of=None,
                replace=False,
                default_country=None,
                actor="me",
                now=NOW,
            )
        assert await sql(stage.database, "SELECT count(*) FROM do_not_call_numbers") == [(0,)]


async def test_who_is_on_a_registry_is_judged_by_it_at_the_next_turn(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(["+12125550100"])
        registry = {"kind": ListKind.REGISTRY, "jurisdiction": "US", "as_of": NOW.date()}
        await send(stage, await a_list(stage, **registry), ["+12125550100"], as_of=NOW.date())
        assert await stage.counts(campaign) == {"pending": 1}
        await stage.tick()
        assert await stage.counts(campaign) == {"skipped": 1}
