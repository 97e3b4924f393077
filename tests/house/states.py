"""Writes the tables of docs/states.md from the tables in the code: `python -m tests.house.states`."""

import re
from collections.abc import Callable
from pathlib import Path

from agentalk.domain.call import TRANSITIONS as CALL_TRANSITIONS
from agentalk.domain.call import CallStatus, Outcome
from agentalk.domain.campaign import TRANSITIONS as CAMPAIGN_TRANSITIONS
from agentalk.domain.campaign import Action, CampaignStatus
from agentalk.domain.retry import NEVER_RETRIED, RetryPolicy

PAGE = Path(__file__).parents[2] / "docs/states.md"


def campaign() -> str:
    """(status, action) → status; a dash is a conflict, answered 409."""
    lines = _row("from", *Action) + _row(*["---"] * (len(Action) + 1))
    for status in CampaignStatus:
        lines += _row(status, *(CAMPAIGN_TRANSITIONS.get((status, action), "-") for action in Action))
    return lines


def call() -> str:
    """status → the statuses it may turn into."""
    lines = _row("from", "may become") + _row("---", "---")
    for status in CallStatus:
        lines += _row(status, ", ".join(to for to in CallStatus if to in CALL_TRANSITIONS[status]) or "-")
    return lines


def retry() -> str:
    """The default rules, and what is never retried."""
    policy = RetryPolicy()
    lines = _row("outcome", "waits", "retries at most") + _row("---", "---", "---")
    for rule in policy.rules:
        waits = ", then ".join(map(_wait, rule.delay_minutes))
        elsewhere = " and in another part of the day" if rule.another_part_of_day else ""
        lines += _row(rule.outcome, waits + elsewhere, str(rule.max_retries))
    never = ", ".join(f"`{outcome}`" for outcome in Outcome if outcome in NEVER_RETRIED)
    return f"{lines}\nAt most {policy.max_attempts} attempts in all. Never retried, whatever a policy says: {never}.\n"


def _wait(minutes: float) -> str:
    return f"{minutes:g} min" if minutes < 60 else f"{minutes / 60:g} h"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |\n"


TABLES: dict[str, Callable[[], str]] = {"campaign": campaign, "call": call, "retry": retry}


def rendered(text: str) -> str:
    """The page with its tables as the code has them."""
    for name, table in TABLES.items():
        found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", text, re.DOTALL)
        if found is None:
            raise ValueError(f"docs/states.md has no table <!-- {name} -->")
        text = text[: found.start(1)] + table() + text[found.end(1) :]
    return text


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
