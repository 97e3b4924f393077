"""/openapi.json and /docs, made once when the application is built."""

from collections.abc import Sequence

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from agentalk.api import docs, openapi
from agentalk.api.answers import Answer
from agentalk.api.endpoint import Endpoint


def handlers(endpoints: Sequence[Endpoint]) -> list[HTTPRouteHandler]:
    """What serves the documentation of these operations."""
    document = openapi.document(endpoints)
    raw = msgspec.json.encode(document)
    page = docs.page(document).encode()
    policy = ((b"content-security-policy", docs.POLICY.encode()),)

    @get("/openapi.json", name="openapi")
    async def openapi_json() -> ASGIApp:
        return Answer(200, raw)

    @get("/docs", name="docs")
    async def docs_page() -> ASGIApp:
        return Answer(200, page, b"text/html; charset=utf-8", policy)

    return [openapi_json, docs_page]
