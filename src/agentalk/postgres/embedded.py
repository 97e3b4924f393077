"""The embedded server as its users see it: whoever comes first starts it, and whoever goes last stops it."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from agentalk.postgres import programs
from agentalk.postgres.cluster import prepare
from agentalk.postgres.errors import PostgresError
from agentalk.postgres.folder import Folder, Lock
from agentalk.postgres.processes import START_SECONDS, PidFile, Server, running, same, settled

log = structlog.get_logger(__name__)
KEEP_SECONDS = 0.5
# A server in recovery or on its way out; which of the two, its process will tell.
_PASSING = re.compile("the database system is|Connection refused|Connection reset|closed the connection unexpectedly")


class EmbeddedPostgres:
    """`postgres` as a child on a free loopback port and a unix socket in the data folder, for one supervisor at a time.

    A server that outlived a killed supervisor is taken over. One that dies under us is started again. One
    that commands are still using when we stop is left to the last of them.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = Folder(data_dir)
        self._supervisor: Lock | None = None
        self._seat: _Seat | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Start or take over the server, create the cluster at first use, and return its DSN.

        Raises PostgresError: the folder is not ours, in use by another supervisor, out of reach, or the server fails.
        """
        if self._seat:
            return self._seat.dsn
        with _sentences(self._folder):
            self._folder.claim()
            supervisor = self._folder.supervisor()
            try:
                if not supervisor.try_alone():
                    raise PostgresError(
                        f"{self._folder.data_dir} is in use by the Agentalk process {supervisor.holder()}."
                        " Stop that one, or choose another folder with --data-dir."
                    )
                self._seat = await _join(self._folder)
            except BaseException:
                supervisor.release()
                raise
            self._supervisor = supervisor
        self._watch = asyncio.create_task(self._seat.keep())
        return self._seat.dsn

    async def stop(self) -> None:
        """Stop the server unless others use it; a second call does nothing."""
        seat, self._seat = self._seat, None
        supervisor, self._supervisor = self._supervisor, None
        watch, self._watch = self._watch, None
        try:
            if watch and not watch.done():
                watch.cancel()
                await asyncio.wait([watch])
            if seat:
                with _sentences(self._folder):
                    await seat.leave()
        finally:
            if supervisor:
                supervisor.release()


async def running_dsn(data_dir: Path) -> str | None:
    """The DSN of the server that is up on that folder, or None; nothing is started or created."""
    folder = Folder(data_dir)
    with _sentences(folder):
        server = running(folder.cluster)
        return await _introduce(folder, server) if server and server.ready() else None


@contextlib.asynccontextmanager
async def use(data_dir: Path) -> AsyncIterator[str]:
    """The DSN of the folder's server: the running one, or one started for the moment and stopped after."""
    folder = Folder(data_dir)
    with _sentences(folder):
        folder.claim()
        seat = await _join(folder)
    try:
        yield seat.dsn
    finally:
        with _sentences(folder):
            await seat.leave()


@dataclass
class _Seat:
    """One user's hold on the server."""

    folder: Folder
    server: Server
    share: Lock
    dsn: str

    async def keep(self) -> None:
        """Start the server again whenever it ends without our doing; runs until it is canceled."""
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            if self.server.alive():
                continue
            try:
                with _sentences(self.folder):
                    async with self.folder.gate():
                        self.server = await settled(self.folder.cluster) or await (await prepare(self.folder)).start()
                        back = await _introduce(self.folder, self.server)
            except PostgresError as error:
                log.error("The embedded PostgreSQL ended and does not start again yet.", reason=str(error))
            else:
                log.warning("The embedded PostgreSQL ended and was started again.", same_address=back == self.dsn)

    async def leave(self) -> None:
        """Stop the server if nobody else uses it."""
        async with self.folder.gate():
            self.share.release()
            # Nobody can come in while we are in the gate: if it is ours alone now, we are the last.
            try:
                if self.share.try_alone():
                    await self.server.stop()
                else:
                    self.server.leave_running()
            finally:
                self.share.release()


async def _join(folder: Folder) -> _Seat:
    share = folder.users()
    try:
        async with folder.gate():
            server = await settled(folder.cluster)
            dsn = await _introduce(folder, server) if server else None
            if not server or not dsn:
                if not share.try_alone():
                    raise PostgresError(
                        f"Another Agentalk process uses {folder.data_dir}, but its server cannot be seen from here: it"
                        " runs in another container, or it just died. Stop that process, then try again."
                    )
                server = await (await prepare(folder)).start()
                dsn = await _introduce(folder, server)
            if not dsn:
                raise PostgresError(f"The server of {folder.data_dir} just ended. Try again, or see {folder.log}.")
            share.try_share()
            return _Seat(folder, server, share, dsn)
    except BaseException:
        share.release()
        raise


async def _introduce(folder: Folder, server: Server) -> str | None:
    """The DSN of a running server, after it has proved with our password that our folder is its folder.

    One that recovers from a crash is waited for; None if it ends instead.
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + START_SECONDS
    while server.alive():
        said = PidFile.read(folder.cluster)
        if said and server.child:
            return folder.dsn(said.port)
        try:
            if said:
                return await _prove(folder, server, folder.dsn(said.port))
        except PostgresError as error:
            if not _PASSING.search(str(error)) or loop.time() > give_up:
                raise
        await asyncio.sleep(0.05)
    return None


async def _prove(folder: Folder, server: Server, dsn: str) -> str:
    bare, secret = programs.without_password(dsn)
    shown = await programs.run(
        [programs.find() / "psql", "-XAtqw", "-d", bare, "-c", "SHOW data_directory"],
        env=programs.CLEAN | secret | {"PGCONNECT_TIMEOUT": "10"},
    )
    if same(Path(shown.strip()), folder.cluster):
        return dsn
    raise PostgresError(
        f"The server of {folder.data_dir} (process {server.pid}) was started for {shown.strip()}. Was the folder moved"
        f" while it ran? Stop it (kill -INT {server.pid}) and try again."
    )


@contextlib.contextmanager
def _sentences(folder: Folder) -> Iterator[None]:
    """Say what the operating system refused as a PostgresError that says what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise PostgresError(f"{error.filename} is gone. Did somebody remove {folder.data_dir}?") from error
    except PermissionError as error:
        raise PostgresError(
            f"This user ({os.geteuid()}) may not use {error.filename or folder.data_dir}."
            f" Run agentalk as the user who owns {folder.data_dir}, or choose another folder with --data-dir."
        ) from error
    except OSError as error:
        raise PostgresError(f"{folder.data_dir} cannot be used: {error.strerror or error}.") from error
