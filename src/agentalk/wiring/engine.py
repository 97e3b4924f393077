"""The engine within a process: a dialer, and another one when it dies."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import structlog

from agentalk.carriers.carrier import Carrier
from agentalk.dialer import Dialer, Fenced, WrongClock
from agentalk.domain.call import CallEvent
from agentalk.domain.clock import Clock
from agentalk.store.database import Database
from agentalk.wiring.carriers import SIMULATOR

log = structlog.get_logger(__name__)

# A dialer without a heartbeat for so long is taken for dead (seconds of life, whatever the clock's speed).
LEASE_SECONDS = 10.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 10.0
# One that lived for so long did not die of its birth: the pauses begin anew.
_HEALTHY_SECONDS = 60.0


class Switchboard:
    """Hands the events of carriers within the process to the dialer of the moment."""

    def __init__(self) -> None:
        self.dialer: Dialer | None = None

    def hear(self, event: CallEvent) -> None:
        """Take an event. Without a dialer it is dropped: the next one asks the carrier."""
        if self.dialer is not None:
            self.dialer.hear(SIMULATOR, event)


@contextlib.asynccontextmanager
async def engine(
    database: Database,
    carriers: Mapping[str, Carrier],
    clock: Clock,
    switchboard: Switchboard,
    tasks: asyncio.TaskGroup,
) -> AsyncIterator[None]:
    """Dial while inside; on leaving, nothing new is dialled and what is under way is recorded."""
    stop = asyncio.Event()
    running = tasks.create_task(_keep_dialing(database, carriers, clock, switchboard, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait({running})


async def _keep_dialing(
    database: Database,
    carriers: Mapping[str, Carrier],
    clock: Clock,
    switchboard: Switchboard,
    stop: asyncio.Event,
) -> None:
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE_SECONDS
    while not stop.is_set():
        born = loop.time()
        dialer = Dialer(database, carriers, lease=timedelta(seconds=LEASE_SECONDS * clock.speed))
        switchboard.dialer = dialer
        try:
            await dialer.run(clock, stop)
            continue
        except WrongClock as error:
            log.error("the dialer does not dial by this clock", reason=str(error))
        except Fenced:
            log.warning("a dialer was taken for dead and is replaced", dialer_id=str(dialer.id))
        except Exception:
            log.exception("a dialer died and is replaced", dialer_id=str(dialer.id))
        finally:
            switchboard.dialer = None
        if loop.time() - born > _HEALTHY_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
