"""JSON schemas of our values, as msgspec derives them, with what it leaves out."""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Json = dict[str, Any]
PREFIX = "#/components/schemas/"

_GENERIC = re.compile(r"Listing_(\w+?)_")
_SNAKE = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")


def schemas_of(types: Sequence[Any]) -> tuple[list[Json], dict[str, Json]]:
    """A schema for each of the `types`, and the components that they refer to."""
    found, components = msgspec.json.schema_components(types, ref_template=PREFIX + "{name}")
    named = {_name(name): _completed(schema) for name, schema in components.items()}
    return [_completed(schema) for schema in found], dict(sorted(named.items()))


def resolved(schema: Json, components: Mapping[str, Json]) -> Json:
    """The schema itself, or the component that it refers to."""
    ref = schema.get("$ref")
    return components[ref.removeprefix(PREFIX)] if ref else schema


def without_null(schema: Json) -> Json:
    """The schema of a parameter that may be left out: absence takes the place of null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    dropped = {"anyOf", "description"} | ({"default"} if schema.get("default") is None else set())
    bare = {key: value for key, value in schema.items() if key not in dropped}
    return {**kinds[0], **bare} if len(kinds) == 1 else {**bare, **({"anyOf": kinds} if kinds else {})}


def _name(name: str) -> str:
    return _GENERIC.sub(r"\1List", name)


def _completed(value: Any, property: str = "") -> Any:
    """Strings that are times say so, enumerations are strings, and descriptions speak JSON's names."""
    if isinstance(value, list):
        return [_completed(item, property) for item in value]
    if not isinstance(value, dict):
        return _name(value) if isinstance(value, str) and value.startswith(PREFIX) else value
    made: Json = {}
    for key, item in value.items():
        if key == "properties":
            made[key] = {name: _completed(schema, name) for name, schema in item.items()}
        else:
            made[key] = item if key in ("enum", "default", "required") else _completed(item, property)
    if "enum" in made:
        made["type"] = "string"
    if property.endswith("At") and made.get("type") == "string":
        made["format"] = "date-time"
    if "description" in made:
        made["description"] = _described(made["description"], made.get("properties", {}))
    made.pop("title", None)
    return made


def _described(text: str, properties: Mapping[str, Any]) -> str:
    def camel(match: re.Match[str]) -> str:
        head, *tail = match.group(1).split("_")
        name = head + "".join(part.title() for part in tail)
        return f"`{name}`" if name in properties else match.group()

    return _SNAKE.sub(camel, inspect.cleandoc(text))
