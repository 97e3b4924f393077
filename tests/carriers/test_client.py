"""The client's verdicts: what it has not been told by the simulator in a whole reply, it does not claim to know."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest

from agentalk.carriers.carrier import Absent, Accepted, FindAnswer, Found, PlaceAnswer, Refused, Unsure
from agentalk.carriers.simulator.client import SimulatorClient
from tests.carriers.contract import a_placement
from tests.carriers.rigs import PATIENCE, SECRET

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
HANGS = b"hangs"


def reply(status: int, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


class Stranger:
    """A server that gives these answers, one a request, each on a connection that it closes afterwards."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heard = asyncio.Event()
        self.closed = asyncio.Event()
        self.serving: list[asyncio.Task[None]] = []

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.heard.set()
        answer = self.answers.pop(0)
        if answer == HANGS:
            with suppress(ConnectionError):
                await reader.read()  # until the client goes
        else:
            writer.write(answer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self.closed.set()


@asynccontextmanager
async def a_client_of(
    stranger: Stranger, timeout: float = PATIENCE, connections: int = 4
) -> AsyncIterator[SimulatorClient]:
    server = await asyncio.start_server(stranger.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = SimulatorClient(url, callback_url="http://here", secret=SECRET, timeout=timeout, connections=connections)
    yield client
    await client.close()
    server.close()
    await asyncio.gather(*stranger.serving)
    await server.wait_closed()


ACCEPTED = reply(201, b'{"carrierCallId": "sim-1"}')


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (ACCEPTED, Accepted("sim-1")),
        (reply(400, b'{"code": "bad_phone"}'), Refused("bad_phone")),
        (reply(404), Refused("http_404")),
        (reply(429, b'{"code": "cps"}'), Refused("cps", slow_down=True)),
        (reply(200, b'{"carrierCallId": "sim-1"}'), Unsure("http_200")),
        (reply(302), Unsure("http_302")),
        (reply(500, b'{"code": "server_error"}'), Unsure("server_error")),
        (reply(503, b"\xff"), Unsure("http_503")),
        (reply(201, b"{}"), Unsure("garbled_reply")),
        (reply(201, b"<html>"), Unsure("garbled_reply")),
        (b"HTTP/1.1 201 Created\r\n\r\n", Unsure("garbled_reply")),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Unsure("garbled_reply")),
        (b"x" * 100_000, Unsure("garbled_reply")),
        (ACCEPTED[:-1], Unsure("connection_lost")),
        (b"HTTP/1.1 201 Cre", Unsure("connection_lost")),
        (b"", Unsure("connection_lost")),
    ],
)
async def test_an_answer_to_a_placement(answer: bytes, verdict: PlaceAnswer) -> None:
    async with a_client_of(Stranger(answer)) as client:
        assert await client.place(a_placement(), NOW) == verdict


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (reply(200, b'{"carrierCallId": "sim-1", "events": []}'), Found("sim-1", ())),
        (reply(404, b'{"code": "no_such_call"}'), Absent()),
        (reply(404, b'{"detail": "Not Found"}'), Unsure("http_404")),
        (reply(404), Unsure("http_404")),
        (reply(400, b'{"code": "bad_request"}'), Unsure("bad_request")),
        (reply(500), Unsure("http_500")),
        (reply(200, b'{"carrierCallId": "sim-1", "events": [1]}'), Unsure("garbled_reply")),
        (b"", Unsure("connection_lost")),
    ],
)
async def test_an_answer_to_a_search(answer: bytes, verdict: FindAnswer) -> None:
    async with a_client_of(Stranger(answer)) as client:
        assert await client.find(a_placement().call_id, NOW) == verdict


async def test_no_answer_leaves_everything_in_doubt() -> None:
    async with a_client_of(Stranger(HANGS, HANGS, HANGS), timeout=0.1) as client:
        assert await client.place(a_placement(), NOW) == Unsure("timeout")
        assert await client.find(a_placement().call_id, NOW) == Unsure("timeout")
        await client.hangup("sim-1", NOW)


async def test_where_nobody_listens_nothing_was_placed_and_nothing_is_known() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = SimulatorClient(f"http://127.0.0.1:{free.getsockname()[1]}", callback_url="http://here", secret=SECRET)
        assert await client.place(a_placement(), NOW) == Refused("unreachable_carrier", slow_down=True)
        assert await client.find(a_placement().call_id, NOW) == Unsure("unreachable_carrier")
        await client.hangup("sim-1", NOW)


async def test_a_connection_whose_request_was_given_up_serves_nobody_else() -> None:
    stranger = Stranger(HANGS, ACCEPTED)
    async with a_client_of(stranger) as client:
        given_up = asyncio.create_task(client.place(a_placement(), NOW))
        await stranger.heard.wait()
        given_up.cancel()

        assert await client.place(a_placement(), NOW) == Accepted("sim-1")


async def test_a_connection_that_the_server_closed_in_the_meantime_is_not_used() -> None:
    stranger = Stranger(ACCEPTED, ACCEPTED)
    async with a_client_of(stranger) as client:
        await client.place(a_placement(), NOW)
        await stranger.closed.wait()
        for _ in range(3):  # the loop hears of it in its next round
            await asyncio.sleep(0)

        assert await client.place(a_placement(), NOW) == Accepted("sim-1")


async def test_a_connection_that_the_server_says_it_will_close_is_not_used() -> None:
    closing = ACCEPTED.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    async with a_client_of(Stranger(closing, ACCEPTED)) as client:
        answers = [await client.place(a_placement(), NOW) for _ in range(2)]

    assert answers == [Accepted("sim-1")] * 2


async def test_who_waits_too_long_for_a_free_connection_has_sent_nothing() -> None:
    async with a_client_of(Stranger(HANGS), timeout=0.2, connections=1) as client:
        # The second begins to wait for its turn before the first, which must connect, waits for its reply.
        answers = await asyncio.gather(*(client.place(a_placement(), NOW) for _ in range(2)))

    assert answers == [Unsure("timeout"), Refused("unreachable_carrier", slow_down=True)]


@pytest.mark.parametrize("url", ["https://127.0.0.1", "ftp://127.0.0.1", "127.0.0.1:80", "http://", ""])
def test_a_base_url_that_cannot_be_spoken_to_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="begins with http://"):
        SimulatorClient(url, callback_url="http://here", secret=SECRET)
