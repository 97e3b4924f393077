"""The door: lets callers in, opens and commits transactions, and answers a POST with an Idempotency-Key once."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256

import msgspec
from litestar.types import HTTPScope, Scope

from agentalk.api.answers import Answer
from agentalk.api.auth import Caller, Credentials, authenticate, credentials, require
from agentalk.api.errors import problem
from agentalk.api.headers import header, request_id
from agentalk.api.limits import RateLimit
from agentalk.api.usage import Usage
from agentalk.domain.clock import Clock
from agentalk.domain.errors import Invalid, Refusal, Stale
from agentalk.domain.organization import Role
from agentalk.operations import idempotency
from agentalk.store.database import Database, Tx
from agentalk.store.idempotency import Kept

_KEY = re.compile(r"[!-~]{1,200}")
_REPLAYED = ((b"idempotency-replayed", b"true"),)

Work = Callable[[Tx], Awaitable[Answer]]


class Door:
    """What all requests share: the database, the clock, the rate limit, and the tokens' last use."""

    def __init__(self, database: Database, clock: Clock, rate_limit: float) -> None:
        self.database = database
        self.clock = clock
        self.usage = Usage(database)
        self._limit = RateLimit(rate_limit)

    async def admit(self, tx: Tx, scope: Scope, given: Credentials, needed: Role, now: datetime) -> Caller:
        """The caller, if the credentials are good, the pace is kept and the role suffices."""
        token, caller = await authenticate(tx, given, now)
        self._limit.spend(scope, token.id, now)
        require(caller, needed)
        self.usage.note(token, now)
        return caller

    async def admit_writer(self, scope: Scope, needed: Role, now: datetime) -> Caller:
        """As `admit`, on a connection that is given back before the body is read."""
        given = credentials(scope)
        async with self.database.reading() as tx:
            return await self.admit(tx, scope, given, needed, now)

    async def once(
        self, scope: HTTPScope, caller: Caller, key: str, digest: bytes, now: datetime, work: Work
    ) -> Answer:
        """Do the work, keeping its answer in the same transaction, or replay the first answer. A refusal is one too."""
        request = _digest(scope, caller, digest)

        async def keeping(tx: Tx) -> Answer:
            kept = await idempotency.recall(tx, caller.own, key, request, now)
            if kept:
                return _replayed(kept)
            try:
                async with tx.transaction():
                    answer = await work(tx)
            except Refusal as refusal:
                told = problem(refusal, request_id(scope))
                answer = Answer(told.status, msgspec.json.encode(told), b"application/problem+json")
            await idempotency.keep(tx, caller.own, key, Kept(request, answer.status, answer.kept), now)
            return answer

        return await self.database.run(keeping)


def read_key(scope: Scope) -> str | None:
    """The Idempotency-Key, or None. Raises `Invalid` for one that is too long or not plain ASCII."""
    key = header(scope, b"idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid.field("Idempotency-Key", "must be 1 to 200 visible ASCII characters")
    return key


def read_seen(scope: Scope) -> datetime | None:
    """When the record that the caller saw had changed, by `If-Match`; None if any will do.

    Raises `Stale` for what is no ETag of ours.
    """
    tag = header(scope, b"if-match")
    if tag is None or tag == "*":
        return None
    try:
        return msgspec.json.decode(tag.encode(), type=datetime)
    except (ValueError, msgspec.MsgspecError):
        raise Stale(
            "`If-Match` is not an ETag of this record. Read it again and send the ETag that comes with it."
        ) from None


def _digest(scope: HTTPScope, caller: Caller, body: bytes) -> bytes:
    asked = (scope["method"], scope["path"], scope["query_string"].decode("latin-1"), str(caller.org))
    return sha256("\n".join(asked).encode() + b"\n" + body).digest()


def _replayed(kept: Kept) -> Answer:
    if kept.status >= 400:
        return Answer(kept.status, kept.response, b"application/problem+json", _REPLAYED)
    return Answer(kept.status, kept.response, fields=_REPLAYED)
