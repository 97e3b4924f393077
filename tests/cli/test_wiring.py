"""Processes are put together so that they come up, go on, and come down."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, get

from agentalk.dialer import Fenced, WrongClock
from agentalk.domain.clock import Clock
from agentalk.operations import organizations
from agentalk.operations.organizations import NewOrganization
from agentalk.settings import Settings
from agentalk.wiring import engine as engine_module
from agentalk.wiring.carriers import CarrierPlan, Unusable, open_carriers
from agentalk.wiring.database import DatabaseAway, open_database
from agentalk.wiring.engine import Switchboard, engine
from agentalk.wiring.first import DEMO, NotForDemos, demo_key, first_key
from agentalk.wiring.nursery import nursery
from agentalk.wiring.web import PortTaken, ServerFailed, listening, url_of, web
from tests.conftest import NOW, LazyDatabase


class FakeDialer:
    """Dies as often as it is told to, then runs until it is stopped."""

    deaths: list[Exception]
    born: list["FakeDialer"]
    healthy: asyncio.Event

    def __init__(self, database: object, carriers: object, *, lease: Any) -> None:
        self.id = None
        self.heard: list[object] = []
        self.lease = lease
        self.born.append(self)

    async def run(self, clock: Clock, stop: asyncio.Event) -> None:
        if self.deaths:
            raise self.deaths.pop()
        self.healthy.set()
        await stop.wait()

    def hear(self, kind: str, event: object) -> None:
        self.heard.append((kind, event))


@pytest.fixture
def dialers(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Exception]], type[FakeDialer]]:
    def make(deaths: list[Exception]) -> type[FakeDialer]:
        class Fake(FakeDialer):
            pass

        Fake.deaths, Fake.born, Fake.healthy = deaths, [], asyncio.Event()
        monkeypatch.setattr(engine_module, "Dialer", Fake)
        monkeypatch.setattr(engine_module, "FIRST_PAUSE_SECONDS", 0.001)
        return Fake

    return make


async def test_a_dialer_that_dies_is_replaced(dialers: Callable[[list[Exception]], type[FakeDialer]]) -> None:
    fake = dialers([RuntimeError("a bug"), Fenced("another took over")])
    switchboard = Switchboard()
    event: Any = object()
    switchboard.hear(event)
    async with nursery() as tasks, engine(None, {}, Clock(speed=3), switchboard, tasks):  # type: ignore[arg-type]
        await fake.healthy.wait()
        switchboard.hear(event)
        assert [dialer.heard for dialer in fake.born] == [[], [], [("simulator", event)]]
        assert fake.born[-1].lease.total_seconds() == 3 * engine_module.LEASE_SECONDS
    assert switchboard.dialer is None


@get("/", include_in_schema=False)
async def hello() -> str:
    """Say hello."""
    return "hello"


async def test_the_server_is_ready_inside_and_gone_outside() -> None:
    with listening("127.0.0.1", 0) as sock:
        url = url_of(sock)
        app = Litestar([hello], openapi_config=None)
        async with httpx.AsyncClient() as client, nursery() as tasks, web(app, sock, tasks):
            assert (await client.get(url)).text == "hello"
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_a_server_that_cannot_begin_fails_the_block() -> None:
    def broken(app: Litestar) -> None:
        raise RuntimeError("no")

    async def block() -> None:
        with listening("127.0.0.1", 0) as sock:
            app = Litestar([hello], on_startup=[broken], openapi_config=None, logging_config=None)
            async with nursery() as tasks, web(app, sock, tasks):
                await asyncio.Event().wait()

    with pytest.raises(ServerFailed):
        await block()


def test_a_taken_port_is_named() -> None:
    with listening("127.0.0.1", 0) as sock, pytest.raises(PortTaken, match="--port"), listening(*sock.getsockname()):
        pass


def test_where_a_socket_is_reached() -> None:
    with listening("0.0.0.0", 0) as everywhere:  # noqa: S104 - the address is what is tested
        assert url_of(everywhere).startswith("http://127.0.0.1:")


async def test_a_database_that_is_away_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentalk.wiring.database._PATIENCE_SECONDS", 0.5)
    with listening("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
    with pytest.raises(DatabaseAway) as away:
        async with open_database(Settings(database_url=f"postgresql://ada:hidden@127.0.0.1:{port}/calls")):
            pass
    assert f"127.0.0.1:{port}/calls" in str(away.value)
    assert "hidden" not in str(away.value)
    assert "\n" not in str(away.value)


async def test_of_two_first_starts_only_one_makes_a_key(db: LazyDatabase) -> None:
    async with db() as database:
        async with database.transaction() as tx:
            await organizations.create_first(tx, NewOrganization(name="first"), NOW)
            other = asyncio.create_task(first_key(database, NOW))
            await asyncio.wait({other}, timeout=0.5)
        assert await other is None


async def test_the_first_key(db: LazyDatabase) -> None:
    async with db() as database:
        key = await first_key(database, NOW)

        assert key
        assert key.organization.name == "default"
        assert key.token.startswith(f"{key.organization.id}.agt_")
        assert await first_key(database, NOW) is None


async def test_demos_have_fresh_organizations_and_keep_to_themselves(db: LazyDatabase) -> None:
    async with db() as database:
        keys = [await demo_key(database, NOW) for _ in range(2)]
        assert len({key.organization.id for key in keys}) == 2
        assert {key.organization.name for key in keys} == {DEMO}


async def test_demos_keep_out_of_others_data(db: LazyDatabase) -> None:
    async with db() as database:
        await first_key(database, NOW)
        with pytest.raises(NotForDemos):
            await demo_key(database, NOW)


async def test_a_carrier_of_its_own_process_goes_by_the_time_of_day(tmp_path: Path) -> None:
    settings = Settings(simulator_url="http://127.0.0.1:9", simulator_secret="s")
    plan = CarrierPlan(settings=settings, folder=tmp_path, public_url="http://127.0.0.1:9")
    with pytest.raises(Unusable, match="--speed"):
        async with open_carriers(plan, Clock(speed=60), lambda _: None):
            pass
    async with open_carriers(plan, Clock(), lambda _: None) as carriers:
        assert list(carriers) == ["simulator"]


async def test_a_dialer_whose_clock_is_wrong_says_so_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    FakeDialer.born, FakeDialer.deaths, FakeDialer.healthy = [], [WrongClock("3600 s apart")], asyncio.Event()
    monkeypatch.setattr(engine_module, "Dialer", FakeDialer)
    async with nursery() as tasks, engine(None, {}, Clock(speed=3), Switchboard(), tasks):  # type: ignore[arg-type]
        await FakeDialer.healthy.wait()
    assert len(FakeDialer.born) == 2
