"""Loaded by schemathesis: what it can neither know nor check by itself."""

import re
from typing import Any
from uuid import uuid4

import schemathesis

# What a header says before a request's body is looked at hides what the body would have been told.
_KEY = re.compile(r"[!-~]{1,200}")
REFUSED = (400, 401, 403, 404, 405, 409, 412, 413, 415)


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """In the coverage phase every request tries every header; a key used twice or an unknown ETag ends it there."""
    phase = case.meta and case.meta.phase
    if not phase or phase.name.value != "coverage" or phase.data.parameter == "Authorization":
        return
    if _KEY.fullmatch(str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = uuid4().hex
    if "If-Match" in case.headers:
        case.headers["If-Match"] = "*"


@schemathesis.check
def refused_by_a_problem(_context: Any, response: Any, _case: Any) -> None:
    """Whatever is refused is refused by a problem document. The published contract says nothing of refusals."""
    if response.status_code < 400:
        assert response.status_code in (200, 201, 204), response.status_code
        return
    assert response.status_code in REFUSED, response.status_code
    assert response.headers["content-type"] == ["application/problem+json"]
    told = response.json()
    assert set(told) == {"type", "title", "status", "detail", "code", "requestId", "errors"}
    assert told["status"] == response.status_code
    assert told["title"] and told["detail"]
    assert all(set(error) == {"field", "message"} for error in told["errors"])
