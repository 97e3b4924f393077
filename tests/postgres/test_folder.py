"""Which folders are taken, and which are refused and left as they were."""

import os
import shutil
from pathlib import Path

import pytest

from agentalk.postgres import EmbeddedPostgres, PostgresError
from agentalk.postgres.accounts import server_account
from agentalk.postgres.folder import Folder


def tree(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def refusal(data_dir: Path) -> str:
    with pytest.raises(PostgresError) as refused:
        await EmbeddedPostgres(data_dir).start()
    return str(refused.value)


@pytest.mark.parametrize("name", ["letters.txt", "postgres/docker-compose.yml", "postgres/PG_VERSION", ".hidden"])
async def test_a_folder_of_others_is_refused(place: Path, name: str) -> None:
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_text("precious")
    before = tree(place)
    assert "was not made by Agentalk. Nothing was changed." in await refusal(place)
    assert tree(place) == before
    assert (place / name).read_text() == "precious"


async def test_a_file_is_refused(place: Path) -> None:
    (place / "data").write_text("precious")
    assert f"{place / 'data'} is not a folder" in await refusal(place / "data")
    assert (place / "data").read_text() == "precious"


def test_an_empty_file_system_is_taken(place: Path) -> None:
    (place / "lost+found").mkdir()
    Folder(place).claim()
    assert (place / "postgres").is_dir()


async def cardboard(data_dir: Path, version: str) -> Folder:
    """A folder of ours with no more in it than it takes to come to a refusal."""
    folder = Folder(data_dir)
    folder.claim()
    async with folder.gate():
        folder.password()
    folder.cluster.mkdir(mode=0o700)
    (folder.cluster / "PG_VERSION").write_text(f"{version}\n")
    account = server_account(folder.home / "nothing")
    if account:
        os.chown(folder.cluster, account.uid, account.gid)
    return folder


async def test_a_cluster_of_another_version_is_refused(place: Path) -> None:
    folder = await cardboard(place / "data", "17")
    assert "was made by PostgreSQL 17, and this Agentalk brings 18" in await refusal(folder.data_dir)


async def test_an_emptied_cluster_is_refused(place: Path) -> None:
    folder = await cardboard(place / "data", "18")
    (folder.cluster / "PG_VERSION").unlink()
    assert "holds no PostgreSQL data" in await refusal(folder.data_dir)


async def test_a_lost_password_is_told(place: Path) -> None:
    folder = await cardboard(place / "data", "18")
    folder.password_file.unlink()
    assert "password is gone" in await refusal(folder.data_dir)


async def test_a_link_is_not_followed(place: Path) -> None:
    folder = await cardboard(place / "data", "18")
    (place / "precious").write_text("precious")
    folder.log.symlink_to(place / "precious")
    assert "cannot be used" in await refusal(folder.data_dir)
    assert (place / "precious").read_text() == "precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to root")
async def test_a_cluster_of_root_is_refused(place: Path) -> None:
    folder = await cardboard(place / "data", "18")
    shutil.chown(folder.cluster, 0)
    assert "belongs to root" in await refusal(folder.data_dir)
