"""The HTTP API as the commands see it: JSON in, JSON out, and every refusal a sentence."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from agentalk import __version__
from agentalk.cli.exits import Exit, Failure
from agentalk.settings import Settings

Record = dict[str, Any]
# HTTP status → exit code; a refusal for any other.
EXITS = {
    401: Exit.UNAUTHENTICATED,
    403: Exit.UNAUTHENTICATED,
    502: Exit.UNREACHABLE,
    503: Exit.UNREACHABLE,
    504: Exit.UNREACHABLE,
}
_PAGE = 1000
# How often a request is sent again that came too soon for the server, and the longest wait in seconds.
_PATIENCE, _LONGEST_WAIT = 5, 10.0
# Adding 100,000 contacts is one request; it is not slow, but the machine may be.
_TIMEOUT = httpx.Timeout(120, connect=5)


class Client:
    """A connection to the API as one token. Use it with `async with`. Every call may raise `Failure`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        headers = {"Authorization": f"Bearer {token}", "User-Agent": f"agentalk-cli/{__version__}"}
        # The environment's proxies are for the internet; our server is where its URL says.
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT, trust_env=False)

    @classmethod
    def of(cls, settings: Settings) -> "Client":
        """The client that the environment describes."""
        if settings.token is None:
            raise Failure(
                "AGENTALK_TOKEN is not set. `agentalk serve` prints a token at its first start,"
                " `agentalk tokens create` makes another.",
                Exit.UNAUTHENTICATED,
            )
        if not settings.token.isascii() or not settings.token.isprintable():
            raise Failure("AGENTALK_TOKEN holds characters that no token has.", Exit.UNAUTHENTICATED)
        return cls(settings.url, settings.token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: object) -> Record:
        """GET; query parameters that are None are left out."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return await self._send("GET", path, params=given)

    async def post(self, path: str, body: object = None) -> Record:
        """POST a JSON body, or none."""
        return await self._send("POST", path, json=body) if body is not None else await self._send("POST", path)

    async def patch(self, path: str, body: object) -> Record:
        """PATCH with a JSON body."""
        return await self._send("PATCH", path, json=body)

    async def delete(self, path: str) -> Record:
        """DELETE."""
        return await self._send("DELETE", path)

    async def post_bytes(self, path: str, content: bytes, media_type: str, **query: object) -> Record:
        """POST a body of another type than JSON."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return await self._send("POST", path, content=content, headers={"Content-Type": media_type}, params=given)

    async def pages(self, path: str, **query: object) -> AsyncIterator[Record]:
        """Every record of a list that can be long, by as many requests as it takes."""
        cursor = None
        while True:
            page = await self.get(path, limit=_PAGE, cursor=cursor, **query)
            for record in page["data"]:
                yield record
            cursor = page["pagination"]["cursor"]
            if cursor is None:
                return

    async def _send(self, method: str, path: str, **request: Any) -> Record:
        response = await self._request(method, path, **request)
        for _ in range(_PATIENCE):
            if response.status_code != 429:
                break
            # Refused before anything was done: it may be sent again.
            await asyncio.sleep(_seconds(response.headers.get("Retry-After")))
            response = await self._request(method, path, **request)
        if response.is_success:
            return _json(response) if response.content else {}
        raise _refusal(response)

    async def _request(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return await self._http.request(method, path, **request)
        except httpx.TimeoutException:
            raise Failure(f"{self._url} did not answer in time.", Exit.UNREACHABLE) from None
        except httpx.TransportError as error:
            raise Failure(
                f"{self._url} cannot be reached ({_cause(error)}). Is `agentalk serve` running there?"
                " AGENTALK_URL says where to look.",
                Exit.UNREACHABLE,
            ) from None


def _seconds(retry_after: str | None) -> float:
    return min(float(retry_after), _LONGEST_WAIT) if retry_after and retry_after.isdigit() else 1.0


def _cause(error: httpx.TransportError) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _json(response: httpx.Response) -> Record:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Failure(
            f"What answers at {response.url.copy_with(query=None)} is not Agentalk. AGENTALK_URL says where to look.",
            Exit.UNREACHABLE,
        )
    return answer


def _refusal(response: httpx.Response) -> Failure:
    try:
        problem = json.loads(response.content)
    except ValueError:
        problem = None
    code = EXITS.get(response.status_code, Exit.REFUSED)
    if not isinstance(problem, Mapping) or "detail" not in problem:
        return Failure(
            f"The server at {response.url.copy_with(path='/', query=None)} answered {response.status_code}"
            f" {response.reason_phrase}.",
            code,
        )
    detail = str(problem["detail"])
    others = [
        f"`{error['field']}` {error['message']}"
        for error in problem.get("errors") or ()
        if str(error["message"]) not in detail
    ]
    sentence = "; ".join([detail.rstrip("."), *others]) + "." if others else detail
    wait = response.headers.get("Retry-After")
    return Failure(f"{sentence} Try again in {wait} s." if wait else sentence, code)
