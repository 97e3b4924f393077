"""/openapi.json and /docs, made when they are first asked for."""

from collections.abc import Sequence
from functools import cache

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from agentalk.api import docs, openapi
from agentalk.api.answers import Answer
from agentalk.api.endpoint import Endpoint
from agentalk.api.schemas import Json


def handlers(endpoints: Sequence[Endpoint]) -> list[HTTPRouteHandler]:
    """What serves the documentation of these operations."""

    @cache
    def document() -> Json:
        return openapi.document(endpoints)

    @cache
    def page() -> bytes:
        return docs.page(document()).encode()

    @get("/openapi.json", name="openapi")
    async def openapi_json() -> ASGIApp:
        return Answer(200, msgspec.json.encode(document()))

    @get("/docs", name="docs")
    async def docs_page() -> ASGIApp:
        return Answer(200, page(), b"text/html; charset=utf-8", ((b"content-security-policy", docs.POLICY.encode()),))

    return [openapi_json, docs_page]
