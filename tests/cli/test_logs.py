"""What a process that stays says on stderr, and who can read it."""

import json
import logging
from typing import Any

import pytest
import structlog

from agentalk.cli import logs
from agentalk.settings import Settings


@pytest.fixture(autouse=True)
def as_it_was() -> object:
    yield
    structlog.reset_defaults()
    logging.basicConfig(force=True)


def fail(*loggers: Any) -> None:
    person_phone = "+1212" + "5550100"
    try:
        raise OSError("the disk is full")
    except OSError:
        for log in loggers:
            log.exception("it failed")
    del person_phone


def test_json_elsewhere(capfd: pytest.CaptureFixture[str]) -> None:
    logs.set_up(Settings())
    log = structlog.get_logger("a")
    log.debug("too quiet")
    log.info("a call ended", call_id="1")
    logging.getLogger("uvicorn.error").info("too quiet")
    fail(log, logging.getLogger("uvicorn.error"))

    text = capfd.readouterr().err
    assert "+12125550100" not in text
    said = [json.loads(line) for line in text.splitlines()]
    assert [one["event"] for one in said] == ["a call ended", "it failed", "it failed"]
    assert said[0]["call_id"] == "1"
    assert said[0]["level"] == "info"
    assert said[0]["timestamp"].endswith("Z")
    assert all("the disk is full" in json.dumps(one["exception"]) for one in said[1:])


def test_text_if_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    logs.set_up(Settings(log_format="text", log_level="debug"))
    log = structlog.get_logger("b")
    log.debug("a call ended", call_id="1")
    fail(log, logging.getLogger("uvicorn.error"))

    said = capfd.readouterr().err
    assert "a call ended" in said
    assert "the disk is full" in said
    assert not said.startswith("{")
    assert "+12125550100" not in said
