"""PostgreSQL as an actor meets it: a gate before every statement and commit, and what goes wrong there.

Statements run on real connections, one at a time and to their end, without the event loop. One that waits for the lock
of somebody who stands at a gate is set aside until that one has moved on.
"""

import asyncio
import contextlib
import os
import pkgutil
import select
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, pq
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

import agentalk.store
from agentalk.store.database import Database, Tx
from tests.simulation.faults import Striker
from tests.simulation.schedule import ACTOR, Actor, Hand

# Milliseconds after which it is looked whether a statement waits for a lock. (That two wait for each other is for us to
# find: PostgreSQL would find it at a moment of its own.)
_PATIENCE_MS = 4
_OPTIONS = "-c timezone=UTC -c synchronous_commit=off -c deadlock_timeout=1h -c enable_seqscan=off"
_OPTIONS += " -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off -c plan_cache_mode=force_generic_plan"


# Nothing of the server's own may come between: a table that is vacuumed now and not then is read in another order.
_ALONE = """
DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', t);
    END LOOP;
END $$
"""


class Control:
    """A connection of the observer's own: it sees what is committed, and who waits for whom."""

    def __init__(self, dsn: str) -> None:
        options = "-c timezone=UTC -c jit=off -c plan_cache_mode=force_generic_plan"
        self._connection = psycopg.connect(dsn, autocommit=True, options=options, prepare_threshold=0)

    def rows(self, statement: str, **values: Any) -> list[TupleRow]:
        """What a statement answers."""
        cursor = self._connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """Be gone."""
        self._connection.close()


class Line(psycopg.AsyncConnection[TupleRow]):
    """A connection whose statements stop at gates. `said` are the names of the present transaction's statements."""

    server: "Server"

    def prepare_for(self, server: "Server") -> None:
        """Become one of `server`'s."""
        self.server = server
        self.said: list[str] = []
        self.wakes: list[str] = []
        self.effects: list[Callable[[], None]] = []
        self.dropped = False
        self.loses = False
        self._autocommit = True
        self.prepare_threshold = 0
        self.cursor_factory = Spoken

    @property
    def within(self) -> bool:
        """Whether a transaction is open."""
        return self.pgconn.transaction_status != pq.TransactionStatus.IDLE

    def command(self, text: bytes) -> None:
        """BEGIN, COMMIT or ROLLBACK: none of them waits for anybody."""
        result = self.pgconn.exec_(text)
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise psycopg.OperationalError(result.error_message.decode())

    def drop(self) -> None:
        """What the server does when the connection breaks, or its owner sleeps within a transaction."""
        self.dropped = True
        if self.within:
            self.command(b"ROLLBACK")

    def signal(self, number: signal.Signals) -> None:
        """Stop the process that serves this connection, or have it go on; one on another machine is left alone."""
        process = Path(f"/proc/{self.pgconn.backend_pid}/cmdline")
        # Its title names the database, which is ours alone.
        with contextlib.suppress(OSError):
            if self.pgconn.db in process.read_bytes():
                os.kill(self.pgconn.backend_pid, number)

    async def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Run a statement to its end, before anybody else moves, unless it waits for a lock."""
        poll = select.poll()
        fd = self.pgconn.socket
        try:
            state = next(gen)
            while True:
                events = (select.POLLIN if state & 1 else 0) | (select.POLLOUT if state & 2 else 0)
                poll.register(fd, events)
                if found := poll.poll(_PATIENCE_MS):
                    happened = found[0][1]
                    ready = (1 if happened & ~select.POLLOUT else 0) | (2 if happened & select.POLLOUT else 0)
                    state = gen.send(ready)
                elif self.server.waits(self):
                    await self._step_aside()
        except StopIteration as end:
            return end.value
        except errors.QueryCanceled:
            if self.loses:
                raise errors.DeadlockDetected("deadlock detected") from None
            raise

    async def _step_aside(self) -> None:
        hand = self.server.hand
        waiter = _Blocked(self, ACTOR.get(), hand.loop.create_future())
        hand.waits += 1
        hand.blocked.append(waiter)
        hand.trace(waiter.actor.name, "waits for a lock", self.said[-1] if self.said else "")
        # Several may wait for one lock: stopped, they do not race for it when it is free, but go on one by one.
        self.signal(signal.SIGSTOP)
        try:
            await waiter.freed
            self.signal(signal.SIGCONT)
        except asyncio.CancelledError:
            self.signal(signal.SIGCONT)
            self.server.abandon(self)
            raise
        finally:
            if waiter in hand.blocked:
                hand.blocked.remove(waiter)


class _Blocked:
    """A statement that waits for somebody's lock."""

    def __init__(self, line: Line, actor: Actor, freed: asyncio.Future[None]) -> None:
        self.line, self.actor, self.freed = line, actor, freed

    def still_waits(self) -> bool:
        return self.line.server.waits(self.line)


class Spoken(psycopg.AsyncCursor[TupleRow]):
    """A cursor that asks to be let on before each statement."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> "Spoken":
        line = self._conn
        assert isinstance(line, Line)
        name = line.server.names.get(str(query), "")
        if "pg_notify" in str(query):
            # Whom it wakes, and when, is chance's to decide.
            line.wakes.append(params[1])
            return self
        await line.server.step(line, name or str(query)[:40])
        line.said.append(name)
        await super().execute(query, params, **options)
        return self


class Server:
    """The connections of one simulated world. `committed` hears of every commit, with the names of its statements."""

    def __init__(self, dsn: str, hand: Hand, striker: Striker) -> None:
        self.hand = hand
        self.control = Control(dsn)
        self.control.rows(_ALONE)
        self.names = _names()
        self.statements = 0
        self.committed: Callable[[Actor, list[str]], None] = lambda *_: None
        self.woken: Callable[[str], None] = lambda _: None
        self._striker = striker
        self._dsn = dsn
        self._idle: dict[bool, list[Line]] = {True: [], False: []}

    def take(self, *, begun: bool) -> Line:
        """A connection, a new one if all are taken; `begun`: with a transaction that was begun."""
        idle = self._idle[True] if begun and self._idle[True] else self._idle[False]
        if idle:
            line = idle.pop()
        else:
            conninfo = psycopg.conninfo.make_conninfo(self._dsn, options=_OPTIONS)
            line = Line(pq.PGconn.connect(conninfo.encode()))
            line.prepare_for(self)
        if begun and not line.within:
            line.command(b"BEGIN")
        line.said, line.wakes, line.effects, line.dropped, line.loses = [], [], [], False, False
        return line

    def give(self, line: Line) -> None:
        """Back to the others, its transaction ended and, which costs nothing more, the next one begun."""
        if line.closed:
            return
        if line.within and line.said:
            line.command(b"ROLLBACK AND CHAIN")
        self._idle[line.within].append(line)

    def abandon(self, line: Line) -> None:
        """End a connection whose statement waits for a lock, as the death of its owner does."""
        self.control.rows("SELECT pg_terminate_backend(%(pid)s, 5000)", pid=line.pgconn.backend_pid)
        line.pgconn.finish()

    def waits(self, line: Line) -> bool:
        """Whether the statement under way waits for a lock of somebody who stands still. In a deadlock it loses."""
        pid, blockers = line.pgconn.backend_pid, self._blockers(line.pgconn.backend_pid)
        seen: set[int] = set()
        while blockers and not seen >= blockers:
            if pid in blockers:
                line.loses = True
                self.control.rows("SELECT pg_cancel_backend(%(pid)s)", pid=pid)
                return False
            seen |= blockers
            blockers = set().union(*(self._blockers(blocker) for blocker in sorted(blockers)))
        return bool(seen)

    def _blockers(self, pid: int) -> set[int]:
        return set(self.control.rows("SELECT pg_blocking_pids(%(pid)s)", pid=pid)[0][0])

    async def step(self, line: Line, label: str) -> None:
        """Stop before a statement or a commit; raises what goes wrong there."""
        hand, actor = self.hand, ACTOR.get()
        while True:
            await hand.gate(label, line.drop if line.within else None)
            if line.dropped:
                raise errors.IdleInTransactionSessionTimeout(
                    "terminating connection due to idle-in-transaction timeout"
                )
            fault = self._striker.before_statement(actor, label)
            if fault == "freeze":
                continue
            break
        self.statements += 1
        hand.trace(actor.name, label, fault or "")
        match fault:
            case "crash":
                line.drop()
                raise asyncio.CancelledError
            case "lost":
                line.drop()
                raise psycopg.OperationalError("server closed the connection unexpectedly")
            case "collision":
                line.drop()
                raise errors.SerializationFailure("could not serialize access")
            case None:
                return

    async def commit(self, line: Line) -> None:
        """Commit, unless something goes wrong before or after it."""
        await self.step(line, "commit")
        line.command(b"COMMIT AND CHAIN")
        actor, said, line.said = ACTOR.get(), line.said, []
        for effect in line.effects:
            effect()
        self.committed(actor, said)
        for text in dict.fromkeys(line.wakes):
            self.woken(text)
        fault = self._striker.after_commit(actor)
        if fault == "freeze":
            await self.hand.gate("commit's answer")
        elif fault:
            self.hand.trace(actor.name, "commit's answer", fault)
            if fault == "crash":
                raise asyncio.CancelledError
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    def close(self) -> None:
        """Close every connection."""
        for line in (*self._idle[True], *self._idle[False]):
            line.pgconn.finish()
        self.control.close()


class ActorsDatabase(Database):
    """The database as the engine and the operations are given it."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """As the original's; each of its statements waits to be let on."""
        line = self.server.take(begun=True)
        try:
            yield line
            await self.server.commit(line)
        finally:
            self.server.give(line)

    def reading(self) -> AbstractAsyncContextManager[Tx]:
        """As the original's."""
        return self._reading()

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Tx]:
        line = self.server.take(begun=False)
        try:
            yield line
        finally:
            self.server.give(line)

    async def close(self) -> None:
        """The server is closed by whoever made it."""


def _names() -> dict[str, str]:
    """Which statement a text is."""
    names: dict[str, str] = {}
    for module in pkgutil.iter_modules(agentalk.store.__path__):
        statements = getattr(import_module(f"agentalk.store.{module.name}"), "SQL", {})
        names |= {str(text): name for name, text in statements.items()}
    return names
