"""What a world must not share with the machine: its randomness, and its log."""

import random
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from agentalk.domain import ids

Hearer = Callable[[str, str, BaseException | None], None]


class _Seeded:
    """Stands in for `secrets` where ids are made."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"ids {seed}")

    def randbits(self, bits: int) -> int:
        """As the original's, and the same every time."""
        return self._random.getrandbits(bits)


@contextmanager
def determined(seed: int) -> Iterator[None]:
    """While inside, ids and jitter come from the seed."""
    state, original = random.getstate(), vars(ids)["secrets"]
    random.seed(f"jitter {seed}")
    vars(ids)["secrets"] = _Seeded(seed)
    try:
        yield
    finally:
        random.setstate(state)
        vars(ids)["secrets"] = original


@contextmanager
def listening(hear: Hearer) -> Iterator[None]:
    """While inside, `hear` is told of every line that is logged: its level, its sentence, and the error if any."""

    def tell(_logger: Any, method: str, entry: MutableMapping[str, Any]) -> Any:
        given = entry.get("exc_info", method == "exception")
        error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
        hear("error" if method == "exception" else method, str(entry["event"]), error)
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[tell], wrapper_class=structlog.BoundLogger, cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
