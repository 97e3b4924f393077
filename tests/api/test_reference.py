"""/openapi.json says what is there, the published contract within it; /docs shows it and loads nothing."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agentalk.api import markdown, openapi
from agentalk.api.app import operations
from agentalk.api.schemas import Json
from tests.api.serving import serving
from tests.conftest import LazyDatabase

PUBLISHED: Json = json.loads(Path(__file__).with_name("published_openapi.json").read_text())
OURS: Json = json.loads(msgspec.json.encode(openapi.document([handler.opt["endpoint"] for handler in operations()])))
METHODS = [(path, method) for path, methods in PUBLISHED["paths"].items() for method in methods]


def resolved(document: Json, value: Any) -> Any:
    """The value with its references replaced by what they refer to."""
    if isinstance(value, list):
        return [resolved(document, item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        target = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return resolved(document, target)
    return {key: resolved(document, item) for key, item in value.items()}


def includes(ours: Any, published: Any, where: str = "") -> None:
    """Everything published is in ours and equal; ours may say more. Texts for people may differ."""
    if isinstance(published, dict):
        for key, value in published.items():
            if key not in ("description", "summary"):
                assert key in ours, f"{where}.{key} is missing"
                includes(ours[key], value, f"{where}.{key}")
    else:
        assert ours == published, where


@pytest.mark.parametrize(("path", "method"), METHODS)
def test_the_published_operations_hold_to_the_letter(path: str, method: str) -> None:
    published = resolved(PUBLISHED, PUBLISHED["paths"][path][method])
    ours = resolved(OURS, OURS["paths"][path][method])
    parameters = {parameter["name"]: parameter for parameter in ours.pop("parameters")}

    for wanted in published.pop("parameters"):
        includes(parameters.pop(wanted["name"]), {"required": False, **wanted}, wanted["name"])
    assert not any(extra["required"] for extra in parameters.values())
    success = published.pop("responses")["200"]["content"]["application/json"]["schema"]
    assert ours["responses"]["200"]["content"]["application/json"]["schema"]["type"] == success["type"]
    includes(ours, published)


def test_the_published_security_scheme_holds() -> None:
    assert OURS["security"] == PUBLISHED["security"]
    includes(OURS["components"]["securitySchemes"], PUBLISHED["components"]["securitySchemes"])
    includes(OURS["components"]["parameters"], PUBLISHED["components"]["parameters"])


def test_every_reference_leads_somewhere() -> None:
    resolved(OURS, OURS)


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for methods in OURS["paths"].values() for operation in methods.values()]

    assert len(set(ids)) == len(ids)


def objects(schema: Any) -> list[Json]:
    """Every object schema within a resolved schema."""
    found = []
    if isinstance(schema, dict):
        found += [schema] if "properties" in schema else []
        schema = list(schema.values())
    if isinstance(schema, list):
        found += [inner for item in schema for inner in objects(item)]
    return found


def test_every_object_in_a_body_refuses_unknown_fields() -> None:
    for path, methods in OURS["paths"].items():
        for operation in methods.values():
            for schema in objects(resolved(OURS, operation.get("requestBody", {}))):
                assert schema.get("additionalProperties") is False, (
                    path,
                    operation["operationId"],
                    [*schema["properties"]],
                )


def test_times_say_that_they_are_times() -> None:
    agent = OURS["components"]["schemas"]["Agent"]["properties"]

    assert agent["createdAt"] == {"type": "string", "format": "date-time"}


async def test_openapi_json_is_served(db: LazyDatabase) -> None:
    async with serving(db) as api:
        assert (await api.nobody.get("/openapi.json")).json() == OURS


async def test_the_docs_show_every_operation_and_load_nothing(db: LazyDatabase) -> None:
    async with serving(db) as api:
        response = await api.nobody.get("/docs")
    page = response.text

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not re.search(r"<(script|link|img|iframe)|\bsrc=|url\(|@import|https?://", page)
    targets = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= targets
    for methods in OURS["paths"].values():
        assert {operation["operationId"] for operation in methods.values()} <= targets
    assert "curl -X POST" in page


def test_markdown() -> None:
    assert markdown.html("# A `b`\n\nc **d**\ne & <f>\n\n- g\n  h\n- i") == (
        "<h2>A <code>b</code></h2>\n<p>c <strong>d</strong> e &amp; &lt;f&gt;</p>\n<ul><li>g h</li><li>i</li></ul>"
    )
