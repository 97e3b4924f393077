"""Stages: the processes and databases on which drills are played, up and, at the end, gone."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from agentalk.domain.organization import Role
from agentalk.postgres import running_dsn
from tests.builders import a_token, an_organization
from tests.conftest import LazyDatabase
from tests.journeys.drill import Drill
from tests.journeys.processes import World, processes
from tests.journeys.roles import start_api, start_server, start_simulator
from tests.journeys.standby import pair
from tests.postgres.folders import copy_folder, enterable


@contextmanager
def roles(folder: Path, mix: Any, ahead: float | None, server: str, template: str) -> Iterator[Drill]:
    """On a fresh database of `server` a simulator and the API run, and no dialer yet."""
    name = f"drill_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        try:
            with _roles(folder, mix, ahead, make_conninfo(server, dbname=name)) as stage:
                yield stage
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@contextmanager
def paired(folder: Path, mix: Any, cluster: Path) -> Iterator[Drill]:
    """The same over two PostgreSQLs, one of which may take the other's place."""
    with pair(cluster) as two, _roles(folder, mix, None, two.dsn) as stage:
        stage.pair = two
        yield stage


@contextmanager
def _roles(folder: Path, mix: Any, ahead: float | None, dsn: str) -> Iterator[Drill]:
    with processes(folder) as started:
        world = None if ahead is None else World.begin(folder / "world", ahead)
        simulator = start_simulator(started, folder / "ledger", mix, world=world)
        api = start_api(started, dsn, simulator, world=world)
        stage = Drill(started, simulator, folder / "ledger", dsn, api.url, asyncio.run(a_key(dsn)), world)
        stage.api = api
        try:
            yield stage
        finally:
            stage.close()


@contextmanager
def served(folder: Path, mix: Any, cluster: Path) -> Iterator[Drill]:
    """One server does everything but the carrier's part, with its data in a copy of `cluster`."""
    with enterable() as place, processes(folder) as started:
        data = place / "data"
        copy_folder(cluster, data)
        simulator = start_simulator(started, folder / "ledger", mix)
        server = start_server(started, data, simulator).ready("try it:")
        dsn = asyncio.run(running_dsn(data))
        assert dsn
        stage = Drill(started, simulator, folder / "ledger", dsn, server.url, server.token)
        stage.api, stage.data = server, data
        try:
            yield stage
        finally:
            stage.close()


async def a_key(dsn: str) -> str:
    """An administrator's token, of a new organization."""
    async with LazyDatabase(dsn) as database, database.transaction() as tx:
        return (await a_token(tx, await an_organization(tx, "Drill"), Role.ADMIN)).token or ""
