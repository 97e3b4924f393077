"""msgspec's complaints in our words: the field's path as JSON writes it, and a sentence about it."""

import re

import msgspec

from agentalk.domain.errors import FieldError, Invalid

_AT = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)


def invalid(error: msgspec.ValidationError) -> Invalid:
    """The refusal that names the field at fault, as in `window.slots[0].start`."""
    match = _AT.fullmatch(str(error))
    what, path = (match["what"], match["path"] or "$") if match else (str(error), "$")
    # Of an entry in a mapping msgspec says only that there is one: `[...]`.
    path = path.removeprefix("$").removeprefix(".").replace("[...]", "")
    if missing := _MISSING.fullmatch(what):
        return _named(path, missing["name"], "is required")
    if unknown := _UNKNOWN.fullmatch(what):
        return _named(path, unknown["name"], "is not a field here")
    message = what[:1].lower() + what[1:]
    if not path:
        return Invalid(f"The body is not what this operation takes: {message}.", errors=[FieldError("", message)])
    return Invalid.field(path, f"is not valid: {message}")


def _named(path: str, name: str, message: str) -> Invalid:
    return Invalid.field(f"{path}.{name}" if path else name, message)
