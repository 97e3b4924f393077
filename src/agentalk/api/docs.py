"""/docs: the OpenAPI document as one page that loads nothing."""

import json
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from importlib.resources import files

from agentalk.api.codes import CODES
from agentalk.api.markdown import html, inline
from agentalk.api.schemas import PREFIX, Json, resolved

_STYLE = files("agentalk.api").joinpath("docs.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
# Nothing but the style in the page itself.
POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"

_SAMPLE_DEPTH = 4


def page(document: Json) -> str:
    """The HTML page of an OpenAPI document."""
    info = document["info"]
    body = "\n".join([_navigation(document), "<main>", *_sections(document), "</main>"])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _operations(document: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method.upper(), path, operation


def _navigation(document: Json) -> str:
    lines = [f"<nav><h1>{escape(document['info']['title'])}</h1>", '<a href="#guide">Guide</a>']
    for tag in document["tags"]:
        lines.append(f"<h2>{escape(tag['name'])}</h2>")
        for _, _, operation in _operations(document, tag["name"]):
            lines.append(f'<a href="#{operation["operationId"]}">{escape(operation["summary"])}</a>')
    lines.append('<h2>Reference</h2><a href="#schemas">Schemas</a><a href="#codes">Error codes</a>')
    lines.append('<a href="/openapi.json">openapi.json</a></nav>')
    return "\n".join(lines)


def _sections(document: Json) -> Iterator[str]:
    info = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    yield f'<section id="guide"><h2>{title}</h2>{html(info["description"])}</section>'
    for tag in document["tags"]:
        for method, path, operation in _operations(document, tag["name"]):
            yield _operation(document, method, path, operation)
    yield '<section id="schemas"><h2>Schemas</h2>'
    for name, schema in document["components"]["schemas"].items():
        yield f'<h3 id="schema-{name}">{name}</h3>{html(schema.get("description", ""))}{_fields(schema)}'
    yield '</section><section id="codes"><h2>Error codes</h2><table>'
    yield from (
        f'<tr id="{code}"><td><code>{code}</code></td><td>{inline(said)}</td></tr>' for code, said in CODES.items()
    )
    yield "</table></section>"


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    components = document["components"]
    body = operation.get("requestBody", {}).get("content", {})
    parts = [
        f'<section id="{operation["operationId"]}"><h2>{escape(operation["summary"])}</h2>',
        f'<div class="path"><span class="method">{method}</span>{escape(path)}</div>{html(operation["description"])}',
        _parameters([_parameter(components, parameter) for parameter in operation["parameters"]]),
    ]
    for media_type, content in body.items():
        needed = "" if operation["requestBody"]["required"] else ' <span class="needed">optional</span>'
        parts.append(f"<h4>Body, {escape(media_type)}{needed}</h4>{_fields(_component(components, content['schema']))}")
    parts.append(f"<h4>Answers</h4><table>{_answers(operation['responses'])}</table>")
    parts.append(f"<h4>Example</h4><pre><code>{escape(_curl(components, method, path, body))}</code></pre></section>")
    return "\n".join(parts)


def _parameter(components: Json, parameter: Json) -> Json:
    found: Json = components["parameters"].get(parameter.get("$ref", "").rpartition("/")[2], parameter)
    return found


def _parameters(parameters: list[Json]) -> str:
    rows = [
        _row(p["name"], {"description": p.get("description", ""), **p["schema"]}, p["required"], p["in"])
        for p in parameters
    ]
    return f"<h4>Parameters</h4><table>{''.join(rows)}</table>"


def _fields(schema: Json) -> str:
    needed = schema.get("required", ())
    rows = [_row(name, field, name in needed, "") for name, field in schema.get("properties", {}).items()]
    return f"<table>{''.join(rows)}</table>" if rows else f"<p>{_kind(schema)}</p>"


def _row(name: str, schema: Json, needed: bool, place: str) -> str:
    marks = ", ".join(word for word in (place, "required" if needed else "") if word)
    return (
        f'<tr><td><code>{escape(name)}</code><br><span class="needed">{marks}</span></td>'
        f"<td>{_kind(schema)}</td><td>{html(schema.get('description', ''))}</td></tr>"
    )


def _answers(responses: Json) -> str:
    refusals = [status for status, response in responses.items() if "$ref" in response]
    rows = ""
    for status, response in responses.items():
        if status not in refusals:
            kinds = [_kind(content["schema"]) for content in response.get("content", {}).values()]
            rows += f"<tr><td>{status}</td><td>{' '.join(kinds) or escape(response['description'])}</td></tr>"
    return rows + f'<tr><td>{" ".join(refusals)}</td><td><a href="#schema-Problem">Problem</a></td></tr>'


def _kind(schema: Json) -> str:
    """A schema in a few words, with links to what it is made of."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(PREFIX)
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(kind) for kind in schema["anyOf"])
    if "enum" in schema:
        return " · ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {_kind(schema.get('items', {}))}"
    said = [str(schema.get("format") or schema.get("type") or "anything")]
    bounds = ("minimum", "maximum", "minLength", "maxLength", "pattern", "default")
    said += [f"{bound} {json.dumps(schema[bound])}" for bound in bounds if schema.get(bound) is not None]
    return escape(", ".join(said), quote=False)


def _component(components: Json, schema: Json) -> Json:
    return resolved(schema, components["schemas"])


def _curl(components: Json, method: str, path: str, body: Json) -> str:
    lines = [f'curl -X {method} "$AGENTALK_URL{path}"', '-H "Authorization: Bearer $AGENTALK_TOKEN"']
    for media_type, content in body.items():
        lines.append(f"-H 'Content-Type: {media_type}'")
        if media_type == "application/json":
            lines.append(
                f"-d '{json.dumps(_sample(components, content['schema'], _SAMPLE_DEPTH), ensure_ascii=False)}'"
            )
        else:
            lines.append("--data-binary @file")
    return " \\\n  ".join(lines)


def _sample(components: Json, schema: Json, depth: int) -> object:
    """A value of the schema: what is required of an object, or its first field if nothing is."""
    schema = _component(components, schema)
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _sample(components, schema["anyOf"][0], depth)
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            names = [*schema.get("required", ())] or [*properties][:1]
            return {name: _sample(components, properties[name], depth - 1) for name in names if depth}
        case "array":
            return [_sample(components, schema.get("items", {}), depth - 1)] if depth else []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            formats = {"uuid": "00000000-0000-0000-0000-000000000000", "date-time": "2030-01-31T09:00:00Z"}
            return formats.get(schema.get("format", ""), "…")
