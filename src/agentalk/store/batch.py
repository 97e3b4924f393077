"""Many small pieces of work, one transaction: what arrives while one batch runs makes up the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# A batch costs most by itself. While work keeps coming, one of fewer items than this waits (seconds) for some more; the
# first one waits in any case: what a carrier says at once about a call comes in several pieces.
_FEW = 64
_GATHER = 0.01


class Batch(Generic[Item, Result]):
    """Collects items and hands them to `work` together; each `add` gets its own item's result.

    An item waits for at most `delay` seconds, or the batch before it and 10 ms. If a batch fails, its items are tried
    one by one, so that a bad one touches no other.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, delay: float = 0.002, most: int = 800
    ) -> None:
        self._work = work
        self._delay = delay
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._runner: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Result:
        """Do `item`'s work with others'; raises what it raised."""
        return await self.put(item)

    def put(self, item: Item) -> asyncio.Future[Result]:
        """As `add`, without waiting."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return done

    async def drain(self) -> None:
        """Wait until everything put so far is done."""
        while self._runner is not None and not self._runner.done():
            await asyncio.wait({self._runner})

    async def _run(self) -> None:
        await asyncio.sleep(self._delay)
        while True:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await self._finish(batch)
            if not self._waiting:
                return
            if len(self._waiting) < _FEW:
                await asyncio.sleep(_GATHER)

    async def _finish(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._work([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 (whatever it was, it is handed to whoever waits for the item)
            if len(batch) > 1:
                for pair in batch:
                    await self._finish([pair])
                return
            _, done = batch[0]
            if not done.done():
                done.set_exception(error)
            return
        for (_, done), result in zip(batch, results, strict=True):
            if not done.done():
                done.set_result(result)
