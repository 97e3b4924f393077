"""The environment, read once into one frozen value that is handed down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("auto", "text", "json")


class BadSetting(Exception):
    """An environment variable holds what cannot be used; the message names it and says what can."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says. Command-line options go before it.

    `rate_limit` is requests per second and token, 0 for no limit. `log_format` "auto" is text on a terminal and JSON
    elsewhere. Secrets stay out of the repr.
    """

    database_url: str | None = field(default=None, repr=False)
    data_dir: Path | None = None
    url: str = "http://127.0.0.1:8000"
    token: str | None = field(default=None, repr=False)
    rate_limit: float = 100.0
    simulator_url: str | None = None
    simulator_secret: str | None = field(default=None, repr=False)
    log_level: str = "info"
    log_format: str = "auto"


def read(environment: Mapping[str, str]) -> Settings:
    """The settings in `environment`; an empty variable counts as unset. Raises `BadSetting`."""

    def get(name: str, take: Callable[[str], T], default: T) -> T:
        text = environment.get(name, "").strip()
        if not text:
            return default
        try:
            return take(text)
        except ValueError as error:
            raise BadSetting(f"{name} {error}") from None

    def secret(text: str) -> str | None:
        return text

    return Settings(
        database_url=get("DATABASE_URL", _database_url, None),
        data_dir=get("AGENTALK_DATA_DIR", Path, None),
        url=get("AGENTALK_URL", http_url, Settings.url),
        token=get("AGENTALK_TOKEN", secret, None),
        rate_limit=get("AGENTALK_RATE_LIMIT", _rate, Settings.rate_limit),
        simulator_url=get("AGENTALK_SIMULATOR_URL", http_url, None),
        simulator_secret=get("AGENTALK_SIMULATOR_SECRET", secret, None),
        log_level=get("AGENTALK_LOG_LEVEL", _one_of(LOG_LEVELS), Settings.log_level),
        log_format=get("AGENTALK_LOG_FORMAT", _one_of(LOG_FORMATS), Settings.log_format),
    )


def http_url(text: str) -> str:
    """`text` without a slash at its end. Raises ValueError if it is no http(s) URL."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f'is "{text}", which is no URL. Example: http://127.0.0.1:8000')
    return text.rstrip("/")


def _database_url(text: str) -> str | None:
    # Not echoed: it may hold a password.
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError(
            "is not a PostgreSQL URL. Example: postgresql://user:password@host:5432/agentalk"
            " (unset it to use the embedded PostgreSQL)"
        )
    return text


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1
    if not 0 <= rate < float("inf"):
        raise ValueError(f'is "{text}"; use requests per second and token, as in 100, or 0 for no limit')
    return rate


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def take(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f'is "{text}"; use one of {", ".join(choices)}')
        return text.lower()

    return take
