"""An agent: what speaks on a call."""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from agentalk.domain.ids import AgentId

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}")


class Agent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What speaks. `version` grows with every change. Messages may hold `{{name}}` or an attribute of the contact."""

    id: AgentId
    name: str
    prompt: str
    first_message: str
    voicemail_message: str
    version: int
    created_at: datetime
    updated_at: datetime


def render(template: str, name: str | None, attributes: Mapping[str, object]) -> str:
    """The message with its placeholders filled; what the contact does not have becomes nothing."""
    known = {**attributes, "name": name}

    def value(match: re.Match[str]) -> str:
        found = known.get(match.group(1))
        return "" if found is None else str(found)

    return _PLACEHOLDER.sub(value, template)
