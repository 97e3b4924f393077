"""The simulator's HTTP API beyond what the carrier's client uses, and what it says to bad input."""

import asyncio
from uuid import uuid4

import msgspec
import pytest

from agentalk.carriers.simulator.faults import Fault, Faults
from agentalk.carriers.simulator.world import AT_ONCE, Mix
from agentalk.domain.call import Outcome
from tests.carriers.contract import TALKS_ON, a_placement, place
from tests.carriers.rigs import over_http

CALL = {
    "callId": str(uuid4()),
    "phone": "+14155550100",
    "callerId": None,
    "ringSeconds": 20,
    "firstMessage": "Hello",
    "voicemailMessage": "",
    "callbackUrl": "http://127.0.0.1:9/callbacks",
}


async def test_bad_bodies_are_refused_in_its_own_words() -> None:
    bodies = [
        b"",
        b"{",
        b"\xff",
        b"[]",
        *(
            msgspec.json.encode(CALL | change)
            for change in (
                {"callId": "seven"},
                {"phone": 14155550100},
                {"phone": "0415"},
                {"ringSeconds": "20"},
                {"callbackUrl": "file:///etc/passwd"},
                {"callbackUrl": "http://[::1"},
                {"callbackUrl": "http://"},
                {"surprise": 1},
            )
        ),
        *(msgspec.json.encode({name: CALL[name] for name in CALL if name != left_out}) for left_out in CALL),
    ]
    async with over_http() as rig:
        for body in bodies:
            answer = await rig.http.post("/calls", content=body)
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request"), body
        for name in ("/mix", "/faults"):
            assert (await rig.http.put(name, content=b'{"nonsense": 1}')).status_code == 400
        assert (await rig.http.get("/stats")).json()["placed"] == 0


async def test_a_stranger_to_the_ledger_is_told_so() -> None:
    async with over_http() as rig:
        answer = await rig.http.get(f"/calls/{uuid4()}")
        assert (answer.status_code, answer.json()) == (404, {"code": "no_such_call", "detail": ""})
        assert (await rig.http.get("/calls/nonsense")).status_code == 404
        assert (await rig.http.get("/healthz")).status_code == 200


async def test_the_ledger_lists_every_placement_or_those_of_one_call() -> None:
    one, other = a_placement(), a_placement()
    async with over_http(TALKS_ON) as rig:
        for placement in (one, other, one):
            await place(rig, placement)
        everything = await rig.http.get("/ledger")

        assert everything.headers["content-type"] == "application/x-ndjson"
        assert [msgspec.json.decode(line)["callId"] for line in everything.content.splitlines()] == [
            str(placement.call_id) for placement in (one, other, one)
        ]
        assert [row.phone for row in await rig.rows(one.call_id)] == [one.phone] * 2
        assert (await rig.http.get("/ledger", params={"callId": "seven"})).status_code == 400


async def test_the_stats_count_calls_faults_and_callbacks() -> None:
    async with over_http(faults=Faults(server_error_placed=1)) as rig:
        await rig.carrier.place(a_placement(), rig.clock.now())
        for _ in range(3):
            await rig.event()
        await rig.misbehave(Faults(bad_request=1))
        await rig.carrier.place(a_placement(), rig.clock.now())
        stats = (await rig.http.get("/stats")).json()

    assert (stats["placed"], stats["live"], stats["duplicates"]) == (1, 0, 0)
    assert stats["faults"] == {Fault.SERVER_ERROR_PLACED: 1, Fault.BAD_REQUEST: 1}
    assert stats["eventsSent"] + stats["eventsWaiting"] == 3


async def test_the_mix_can_be_changed_while_calls_are_made() -> None:
    busy = Mix(weights={Outcome.BUSY: 1}, ring_seconds=(0, 0))
    async with over_http(AT_ONCE) as rig:
        answer = await rig.http.put("/mix", content=msgspec.json.encode(busy))
        assert msgspec.json.decode(answer.content, type=Mix) == busy
        await place(rig, a_placement())

        assert (await rig.event()).outcome is Outcome.BUSY


async def test_a_reset_is_a_reset() -> None:
    async with over_http(faults=Faults(reset=1)) as rig:
        reader, writer = await asyncio.open_connection(rig.http.base_url.host, rig.http.base_url.port)
        body = msgspec.json.encode(CALL)
        writer.write(b"POST /calls HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_a_too_many_says_when_to_come_back() -> None:
    async with over_http(faults=Faults(too_many_requests=1)) as rig:
        answer = await rig.http.post("/calls", content=msgspec.json.encode(CALL))

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


async def test_many_calls_at_once_all_end() -> None:
    placements = [a_placement() for _ in range(300)]
    async with over_http() as rig:
        await asyncio.gather(*(place(rig, placement) for placement in placements))
        events = [await rig.event() for _ in range(900)]

    seen: dict[object, list[int]] = {}
    for event in events:
        seen.setdefault(event.call_id, []).append(event.sequence)
    assert seen == {placement.call_id: [1, 2, 3] for placement in placements}
