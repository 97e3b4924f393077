"""Writes the table of docs/policy.md from the presets' files: `python -m tests.house.presets`."""

import re
from pathlib import Path

from agentalk.domain.policy.model import Purpose
from agentalk.domain.policy.presets import Preset, presets
from agentalk.domain.window import WEEK, Day

PAGE = Path(__file__).parents[2] / "docs/policy.md"
_BLOCK = re.compile(r"<!-- presets -->\n(.*?)<!-- end -->", re.DOTALL)


def table() -> str:
    """A row for each file, and beneath it where its figures come from."""
    rows = [_row("file", "place", "hours", "attempts", "consent", "read"), _row(*["---"] * 6)]
    for name, file in presets().items():
        rows.append(_row(f"`{name}`", file.name, _hours(file), _attempts(file), _consent(file), file.date.isoformat()))
    sources = [f"- `{name}`: {file.source}. {file.notes}\n" for name, file in presets().items()]
    return "".join(rows) + "\n" + "".join(sources)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |\n"


def _hours(file: Preset) -> str:
    """Days with the same hours together, as `Mon-Fri 10:00-13:00, 14:00-20:00; Sat 10:00-18:00`."""
    runs: list[tuple[list[Day], tuple[str, ...]]] = []
    for day in WEEK:
        spans = (file.hours or {}).get(day, ())
        if runs and runs[-1][1] == spans:
            runs[-1][0].append(day)
        else:
            runs.append(([day], spans))
    said = [f"{_days(days)} {', '.join(spans)}" for days, spans in runs if spans]
    off = [*(["no holidays"] if len(file.no_holidays) == len(Purpose) else [])]
    return "; ".join([*said, *off]) or "as the country"


def _days(days: list[Day]) -> str:
    first, last = days[0][:3].title(), days[-1][:3].title()
    return first if first == last else f"{first}-{last}"


def _attempts(file: Preset) -> str:
    caps = [f"{one.max} in {_time(one.hours)}{_of(one.purposes)}" for one in file.attempts]
    peace = [f"none for {_time(one.hours)} after a conversation{_of(one.purposes)}" for one in file.lockouts]
    return "; ".join(caps + peace) or "-"


def _consent(file: Preset) -> str:
    return "; ".join(f"{purpose}: {need}" for purpose, need in file.consent.items()) or "-"


def _of(purposes: tuple[Purpose, ...]) -> str:
    return "" if len(purposes) == len(Purpose) else f" ({', '.join(purposes)})"


def _time(hours: float) -> str:
    return f"{hours:g} h" if hours <= 24 else f"{hours / 24:g} d"


def rendered(text: str) -> str:
    """The page with its table as the files have it."""
    found = _BLOCK.search(text)
    if found is None:
        raise ValueError("docs/policy.md has no table <!-- presets -->")
    return text[: found.start(1)] + table() + text[found.end(1) :]


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
