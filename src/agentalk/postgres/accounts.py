"""As whom the server runs. PostgreSQL refuses to run as root, so root lends it an account without rights.

That account is the owner of the cluster if there is one; else `agentalk` if the machine has such a user; else `nobody`.
Not `postgres`: it is the administrator of the machine's own PostgreSQL, which is none of our business.
"""

import errno
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from agentalk.postgres.errors import PostgresError

CANDIDATES = ("agentalk", "nobody")
# Enters each folder in turn and prints the first that it cannot enter.
_ENTER = 'for folder; do cd "$folder" 2>/dev/null || { printf %s "$folder"; exit 1; }; done'


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that drop root's rights."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """An account that root starts the server as."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]

    @property
    def identity(self) -> Identity:
        return {"user": self.uid, "group": self.gid, "extra_groups": list(self.groups)}


def server_account(cluster: Path) -> Account | None:
    """The account for the server of `cluster`, or None if it runs as ourselves because we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        owner = cluster.stat()
    except FileNotFoundError:
        return _candidate()
    if owner.st_uid == 0:
        raise PostgresError(
            f"{cluster} belongs to root, and PostgreSQL refuses to run as root."
            f" Give it back to the user it belonged to: chown -R {_candidate().name} '{cluster}'"
        )
    try:
        return _of(pwd.getpwuid(owner.st_uid))
    except KeyError:
        return Account(f"with id {owner.st_uid}", owner.st_uid, owner.st_gid, ())


def check_reach(account: Account | None, folder: Path) -> None:
    """Refuse a folder that `account` cannot enter; parts of it that do not exist yet are not looked at."""
    if account is None:
        return
    way = [str(part) for part in (*reversed(folder.parents), folder) if part.exists()]
    try:
        probe = subprocess.run(  # noqa: S603 - a fixed script
            ["/bin/sh", "-c", _ENTER, "sh", *way],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={},
            **account.identity,
        )
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EINVAL}:
            raise
        raise PostgresError(
            f"PostgreSQL refuses to run as root, and this root may not become user {account.name} ({error.strerror})."
            " Run agentalk as a normal user, or set DATABASE_URL."
        ) from error
    if probe.returncode != 0:
        raise PostgresError(
            f"PostgreSQL refuses to run as root, so it runs as user {account.name}, who cannot enter"
            f" {probe.stdout or folder}. Choose another data folder with --data-dir (by default root's is"
            " /var/lib/agentalk), or run agentalk as a normal user. Permissions of your folders are left as they are."
        )


def _candidate() -> Account:
    for name in CANDIDATES:
        try:
            return _of(pwd.getpwnam(name))
        except KeyError:
            continue
    raise PostgresError(
        "PostgreSQL refuses to run as root, and this machine has no user `agentalk` or `nobody`."
        " Create one (useradd --system agentalk), run agentalk as a normal user, or set DATABASE_URL."
    )


def _of(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(entry.pw_name, entry.pw_gid)))
