"""OPTIONS: the methods of a path, told to anyone."""

from collections.abc import Sequence

from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from agentalk.api.answers import Answer


def handlers(operations: Sequence[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """An OPTIONS for each path of the operations; to be registered before them.

    Litestar makes one of its own, which knows only the methods that were registered first.
    """
    methods: dict[str, set[str]] = {}
    for operation in operations:
        for path in operation.paths:
            methods.setdefault(path, {"OPTIONS"}).update(operation.http_methods)
    return [_handler(path, ", ".join(sorted(known))) for path, known in methods.items()]


def _handler(path: str, allow: str) -> HTTPRouteHandler:
    async def options() -> ASGIApp:
        return Answer(204, b"", fields=((b"allow", allow.encode()),))

    # The status is of no effect: the answer has its own.
    return HTTPRouteHandler(path, http_method=HttpMethod.OPTIONS, status_code=200)(options)
