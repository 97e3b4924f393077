"""A policy under a name of its own: what a call was decided by can be read for ever."""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from agentalk.domain.policy.model import InForce
from agentalk.domain.policy.presets import presets
from agentalk.domain.window import Window


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A policy that calls were decided by: `body` holds all that decided, as `policy_text` wrote it."""

    id: str
    created_at: datetime
    body: dict[str, Any]


@lru_cache(maxsize=256)
def policy_text(inforce: InForce, window: Window) -> str:
    """All that decides, as canonical JSON (keys in order): policy, window, and every preset as its file says."""
    whole = {"policy": inforce, "window": window, "presets": presets()}
    return msgspec.json.encode(whole, order="sorted").decode()


@lru_cache(maxsize=256)
def policy_version(inforce: InForce, window: Window) -> str:
    """The first 16 hex digits of the SHA-256 of `policy_text`."""
    return sha256(policy_text(inforce, window).encode()).hexdigest()[:16]
