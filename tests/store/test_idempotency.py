"""A key belongs to one transaction at a time, and is found by an index."""

from datetime import timedelta

from agentalk.domain.ids import OrgId
from agentalk.store import idempotency, tokens
from agentalk.store.idempotency import Kept
from tests.builders import unknown_id
from tests.conftest import NOW, LazyDatabase

ORG = OrgId(unknown_id())


async def test_a_key_is_one_transactions(db: LazyDatabase) -> None:
    async with db() as database:
        async with database.transaction() as first, database.transaction() as second:
            assert await idempotency.lock(first, ORG, "k")
            assert not await idempotency.lock(second, ORG, "k")
            assert await idempotency.lock(second, ORG, "other")
            assert await idempotency.lock(second, OrgId(unknown_id()), "k")
        async with database.transaction() as third:
            assert await idempotency.lock(third, ORG, "k")


async def test_an_old_answer_gives_way(db: LazyDatabase) -> None:
    old, new = Kept(b"a", 200, b"{}"), Kept(b"b", 201, b"[]")
    async with db() as database, database.transaction() as tx:
        await idempotency.keep(tx, ORG, "k", old, NOW)
        assert await idempotency.find(tx, ORG, "k", NOW) is None
        assert await idempotency.find(tx, ORG, "k", NOW - timedelta(hours=1)) == old

        await idempotency.keep(tx, ORG, "k", new, NOW + timedelta(hours=25))
        assert await idempotency.find(tx, ORG, "k", NOW) == new


async def test_a_sweep_takes_the_oldest_and_no_more_than_asked(db: LazyDatabase) -> None:
    async with db() as database, database.transaction() as tx:
        for hour in range(5):
            await idempotency.keep(tx, ORG, str(hour), Kept(b"", 200, b""), NOW + timedelta(hours=hour))

        assert await idempotency.prune(tx, NOW + timedelta(hours=3), 3) == 3
        assert await idempotency.prune(tx, NOW + timedelta(hours=3), 3) == 1
        assert await idempotency.find(tx, ORG, "4", NOW) is not None


async def test_a_token_and_a_key_are_found_by_an_index(db: LazyDatabase) -> None:
    async with db() as database, database.transaction() as tx:
        await tx.execute("SET enable_seqscan = off")
        for sql, values in (
            (tokens.SQL["find"], {"digest": b"x" * 32}),
            (idempotency.SQL["find"], {"org": ORG, "key": "k", "since": NOW}),
            (idempotency.SQL["prune"], {"before": NOW, "most": 10}),
        ):
            cursor = await tx.execute("EXPLAIN " + sql, values)
            plan = "\n".join(line for (line,) in await cursor.fetchall())
            assert "Seq Scan" not in plan, plan
