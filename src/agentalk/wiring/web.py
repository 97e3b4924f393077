"""The HTTP server within a process: its socket first, so that a taken port is known before anything else starts."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from litestar import Litestar

# What requests that are under way may delay a shutdown by, in seconds.
_PARTING_SECONDS = 5


class ServerFailed(Exception):
    """The HTTP server ended by itself, or never began."""


class PortTaken(Exception):
    """The address cannot be listened on; the message says why."""


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens; port 0 takes any that is free. Raises `PortTaken`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise PortTaken(
            f"{host}:{port} cannot be listened on: {(error.strerror or str(error)).lower()}. Choose another --port."
        ) from error
    with sock:
        yield sock


def url_of(sock: socket.socket) -> str:
    """Where this machine reaches the socket."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - read, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104 - as above
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.asynccontextmanager
async def web(app: Litestar, sock: socket.socket, tasks: asyncio.TaskGroup) -> AsyncIterator[None]:
    """Serve `app` while inside; ready on entry. A server that ends by itself fails `tasks` with `ServerFailed`."""
    server = _Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_PARTING_SECONDS,
        )
    )

    async def run() -> None:
        try:
            await server.serve(sockets=[sock])
        finally:
            server.ready.set()
        if not server.should_exit or not server.started:
            raise ServerFailed("The HTTP server ended by itself; the log says why.")

    running = tasks.create_task(run())
    await server.ready.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait({running})


class _Server(uvicorn.Server):
    """Says when it is ready, and leaves the signals to us."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets=sockets)
        except SystemExit:
            raise ServerFailed("The HTTP server could not begin; the log says why.") from None
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
