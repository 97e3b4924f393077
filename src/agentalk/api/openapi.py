"""The OpenAPI document, made of the endpoints themselves."""

import inspect
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from importlib.resources import files
from types import NoneType
from typing import Any, NewType, get_args, get_origin
from uuid import UUID

from agentalk import __version__
from agentalk.api.answers import Reply
from agentalk.api.body import Upload
from agentalk.api.endpoint import Endpoint
from agentalk.api.errors import Problem
from agentalk.api.schemas import PREFIX, Json, resolved, schemas_of, without_null

SECURITY = "OrganizationApiToken"

_ORGANIZATION = {
    "name": "X-Organization-ID",
    "in": "header",
    "required": False,
    "description": "Optional organization scope. Superusers without it see all; regular users default to their "
    "current organization.",
    "schema": {"type": "string", "format": "uuid"},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The first answer to this key is kept for 24 hours and replayed.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag that came with the record: refused (412) if the record has changed since.",
    "schema": {"type": "string"},
}
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "OrgId.SecretToken",
    "description": "Organization API token: `Authorization: Bearer {orgId}.{secretToken}`. JWTs are not accepted.",
}
_ALWAYS = (400, 401, 403, 404, 429, 503)


def document(endpoints: Sequence[Endpoint]) -> Json:
    """The OpenAPI 3.1 document of these operations."""
    types = [kind for endpoint in endpoints for kind in (endpoint.query, _body(endpoint), _value(endpoint))]
    schemas, components = schemas_of([*types, Problem])
    parts = list(zip(endpoints, schemas[0::3], schemas[1::3], schemas[2::3], strict=False))
    paths: dict[str, Json] = {}
    for endpoint, query, body, value in parts:
        parameters = _query_parameters(resolved(query, components), components)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, parameters, body, value)
    queries = {query["$ref"].removeprefix(PREFIX) for _, query, _, _ in parts}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Agentalk API", "version": __version__, "description": guide()},
        "servers": [{"url": "/", "description": "This server"}],
        "tags": [{"name": tag} for tag in sorted({endpoint.tag for endpoint in endpoints})],
        "security": [{SECURITY: []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {SECURITY: _TOKEN},
            "parameters": {"XOrganizationId": _ORGANIZATION, "IdempotencyKey": _KEY, "IfMatch": _MATCH},
            "responses": {str(status): _refused(status) for status in (*_ALWAYS, 409, 412, 413, 415)},
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
        },
    }


def guide() -> str:
    """What holds for all operations, in Markdown."""
    return files("agentalk.api").joinpath("guide.md").read_text(encoding="utf-8")


def _operation(endpoint: Endpoint, query: list[Json], body: Json, value: Json) -> Json:
    made: Json = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "description": inspect.getdoc(endpoint.handler) or "",
        "tags": [endpoint.tag],
        "parameters": [
            *(_path_parameter(name, kind) for name, kind in endpoint.path_types.items()),
            *query,
            {"$ref": "#/components/parameters/XOrganizationId"},
            *([{"$ref": "#/components/parameters/IdempotencyKey"}] if endpoint.method == "POST" else []),
            *([{"$ref": "#/components/parameters/IfMatch"}] if "seen" in endpoint.wants else []),
        ],
        "responses": _responses(endpoint, value),
    }
    if endpoint.body is Upload:
        file = {"schema": {"type": "string", "format": "binary"}}
        made["requestBody"] = {"required": True, "content": dict.fromkeys(endpoint.media_types, file)}
    elif endpoint.body is not None:
        made["requestBody"] = {"required": endpoint.body_required, "content": {"application/json": {"schema": body}}}
    return made


def _responses(endpoint: Endpoint, schema: Json) -> Json:
    refusals = {*_ALWAYS}
    if endpoint.method != "GET":
        refusals.add(409)
    if "seen" in endpoint.wants:
        refusals.add(412)
    if endpoint.body is not None:
        refusals |= {413, 415}
    made: Json = {}
    for status in (endpoint.status, *endpoint.also):
        made[str(status)] = {"description": HTTPStatus(status).phrase}
        if status != HTTPStatus.NO_CONTENT:
            made[str(status)]["content"] = {"application/json": {"schema": schema}}
    return made | {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(refusals)}


def _refused(status: int) -> Json:
    made: Json = {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": {"$ref": f"{PREFIX}Problem"}}},
    }
    if status in (429, 503):
        made["headers"] = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
    return made


def _path_parameter(name: str, kind: Any) -> Json:
    plain = kind.__supertype__ if isinstance(kind, NewType) else kind
    schema = {"type": "string", "format": "uuid"} if plain is UUID else {"type": "string", "minLength": 1}
    noun = name.removesuffix("_id").replace("_", " ").capitalize()
    return {"in": "path", "name": name, "required": True, "description": f"{noun} ID", "schema": schema}


def _query_parameters(query: Json, components: Mapping[str, Json]) -> list[Json]:
    made = []
    for name, schema in query.get("properties", {}).items():
        bare = resolved(without_null(schema), components)
        parameter: Json = {"in": "query", "name": name, "required": name in query.get("required", ())}
        said = schema.get("description") or bare.get("description")
        if said:
            parameter["description"] = said
        made.append(parameter | {"schema": {key: value for key, value in bare.items() if key != "description"}})
    return made


def _body(endpoint: Endpoint) -> Any:
    return NoneType if endpoint.body in (None, Upload) else endpoint.body


def _value(endpoint: Endpoint) -> Any:
    return get_args(endpoint.answer)[0] if get_origin(endpoint.answer) is Reply else endpoint.answer
