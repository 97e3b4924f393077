"""A policy, and a decision, under names of their own: what a call was decided by can be read for ever."""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from agentalk.domain.ids import DecisionId
from agentalk.domain.policy.model import InForce
from agentalk.domain.policy.presets import presets
from agentalk.domain.window import Window


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A policy that calls were decided by: `body` holds all that decided, as `policy_text` wrote it."""

    id: str
    created_at: datetime
    body: dict[str, Any]


class Kept(msgspec.Struct, frozen=True):
    """What calls were decided by, as it is kept: once for all that were decided alike, under the hash of the rest."""

    id: DecisionId
    policy_version: str
    basis: dict[str, Any]


def kept(version: str, basis: dict[str, Any]) -> Kept:
    """What is kept of a decision by the policy of this version."""
    digest = sha256(msgspec.json.encode((version, basis), order="deterministic")).digest()
    return Kept(DecisionId(UUID(bytes=digest[:16])), version, basis)


@lru_cache(maxsize=256)
def policy_text(inforce: InForce, window: Window) -> str:
    """All that decides, as canonical JSON (keys in order): policy, window, and every preset as its file says."""
    whole = {"policy": inforce, "window": window, "presets": presets()}
    return msgspec.json.encode(whole, order="sorted").decode()


@lru_cache(maxsize=256)
def policy_version(inforce: InForce, window: Window) -> str:
    """The first 16 hex digits of the SHA-256 of `policy_text`."""
    return sha256(policy_text(inforce, window).encode()).hexdigest()[:16]
