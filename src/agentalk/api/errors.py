"""Every refusal and failure, mapped once to a status and a problem document (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from agentalk.api.headers import request_id
from agentalk.domain.errors import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    Stale,
    Unauthenticated,
)
from agentalk.operations.idempotency import InFlight
from agentalk.store.database import Unavailable

log = structlog.get_logger()


class NotAllowed(Refusal):
    """The path exists, and not with this method. `allow` lists the methods it has."""

    code = "method_not_allowed"

    def __init__(self, allow: str) -> None:
        super().__init__(f"This path does not have that method. It has: {allow}.")
        self.allow = allow


class TooLarge(Refusal):
    """The body is larger than this operation takes."""

    code = "too_large"


class Unsupported(Refusal):
    """The body's media type or encoding is not one that this operation takes."""

    code = "unsupported_media_type"


class TooFast(Refusal):
    """The token has used up its requests for the moment. `retry_after` is in whole seconds."""

    code = "rate_limited"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests with this token. Try again in {retry_after} s.")
        self.retry_after = retry_after


class Away(Refusal):
    """The database cannot be reached."""

    code = "unavailable"
    retry_after = 2


STATUS: Mapping[type[Refusal], HTTPStatus] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    Conflict: HTTPStatus.CONFLICT,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unsupported: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    TooFast: HTTPStatus.TOO_MANY_REQUESTS,
    Away: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why a request failed. `code` is stable; `detail` says what to do; `errors` names the fields at fault."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: tuple[FieldError, ...] = ()


def status_of(refusal: Refusal) -> HTTPStatus:
    """The status of a refusal: its class's in the table, or the nearest ancestor's."""
    return next(STATUS[cls] for cls in type(refusal).__mro__ if cls in STATUS)


def problem(refusal: Refusal, id: str) -> Problem:
    """The document that tells a refusal."""
    return _problem(status_of(refusal), refusal.detail, refusal.code, id, refusal.errors)


def headers_of(refusal: Refusal) -> dict[str, str]:
    """The header fields that belong to a refusal."""
    if isinstance(refusal, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(refusal, NotAllowed):
        return {"Allow": refusal.allow}
    if isinstance(refusal, InFlight | TooFast | Away):
        return {"Retry-After": str(refusal.retry_after)}
    return {}


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to whatever went wrong. What is nobody's refusal is logged, and told without its details."""
    id = request_id(request.scope)
    refusal = _refusal(request, error)
    if refusal is None:
        log.error("request failed", request_id=id, method=request.method, path=request.url.path, exc_info=error)
        detail = "Something failed on our side. Try again; if it stays, report it with this request id."
        told = _problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, "internal", id)
    else:
        told = problem(refusal, id)
    return Response(
        content=msgspec.json.encode(told),
        status_code=told.status,
        media_type="application/problem+json",
        headers=headers_of(refusal) if refusal else {},
    )


def _refusal(request: Request[Any, Any, Any], error: Exception) -> Refusal | None:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, NotFoundException):
        return NotFound(f"There is nothing at {request.url.path}. /docs shows what there is.", code="no_such_path")
    if isinstance(error, MethodNotAllowedException):
        return NotAllowed((error.headers or {}).get("allow", ""))
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Invalid(error.detail or "The request is malformed.")
    if isinstance(error, Unavailable):
        return Away("The database cannot be reached at the moment. Try again soon.")
    return None


def _problem(status: HTTPStatus, detail: str, code: str, id: str, errors: tuple[FieldError, ...] = ()) -> Problem:
    return Problem(
        type=f"/docs#{code}",
        title=status.phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=id,
        errors=errors,
    )
