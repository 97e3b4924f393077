"""How a watched campaign looks: a board on a terminal, a line elsewhere."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from rich import box
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agentalk.cli.client import Record
from agentalk.cli.looks import Look
from agentalk.cli.output import tint

# status → (mark on the bar, style); in the order of the bar.
PARTS = {
    "completed": ("█", "green"),
    "exhausted": ("█", "red"),
    "skipped": ("█", "magenta"),
    "canceled": ("█", "bright_black"),
    "calling": ("█", "bright_blue"),
    "waiting": ("▓", "yellow"),
    "pending": ("░", "bright_black"),
}
PHASES = {
    "scheduled": "starts later",
    "dialing": "dialing",
    "outside_window": "everyone left is outside their calling hours",
    "waiting": "waiting for the next attempt to fall due",
    "no_capacity": "waiting for a free line",
    "draining": "live calls are ending",
    "idle": "no contacts yet",
}


class Bar:
    """A bar as wide as there is room, its parts in proportion; what is there at all is seen."""

    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = counts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Called by rich."""
        text = Text()
        for name, cells in widths(self._counts, options.max_width).items():
            mark, style = PARTS[name]
            text.append(mark * cells, style)
        yield text


def widths(counts: dict[str, int], room: int) -> dict[str, int]:
    """Cells for each part of the bar: at least one for each that is not empty, `room` in all."""
    there = {name: counts[name] for name in PARTS if counts[name]}
    total = sum(there.values())
    if not total:
        return {}
    cells = {name: max(1, count * room // total) for name, count in there.items()}
    largest = max(cells, key=lambda name: cells[name])
    cells[largest] = max(1, cells[largest] + room - sum(cells.values()))
    return cells


def board(
    look: Look,
    remark: str = "",
    extra: Sequence[RenderableType] = (),
    zone: tzinfo | None = None,
    names: Mapping[str, str] | None = None,
) -> RenderableType:
    """The live screen. Times are of `zone`, or local; `names` are shown instead of contacts' ids."""
    campaign = look.campaign
    counts = look.counts
    title = Text.assemble((campaign["name"], "bold"), "  ", (campaign["status"], tint(campaign["status"]) or "dim"))
    numbers = Columns([_number(name, counts[name]) for name in PARTS], padding=(0, 2))
    body: list[RenderableType] = [Bar(counts), numbers, Text(), facts(look), *extra]
    if look.calls:
        body += [Text(), calls_table(look.calls, zone, names or {})]
    return Panel(
        Group(*body),
        title=title,
        title_align="left",
        subtitle=remark or None,
        subtitle_align="right",
        box=box.ROUNDED,
        border_style="bright_black",
        padding=(1, 2),
    )


def facts(look: Look) -> Text:
    """Pace and prospect in one line."""
    text = Text.assemble(
        (f"{look.ended}", "bold"),
        f" of {look.counts['total']} reached an end   ",
        (f"{look.calls_total}", "bold"),
        " calls   ",
        (f"{look.calls_per_second:.1f}", "bold"),
        " calls/s",
    )
    said = prospect(look)
    return text.append(f"   {said}", "dim") if said else text


def prospect(look: Look) -> str:
    """What is going on, or when it may end."""
    campaign = look.campaign
    if campaign["status"] != "active":
        return f"starts at {_clock(campaign['startAt'])}" if campaign.get("startAt") else ""
    phase = campaign["phase"]
    if phase in (None, "dialing", "draining") and look.seconds_left is not None:
        return f"about {duration(look.seconds_left)} left"
    return PHASES.get(phase, "")


def calls_table(calls: Sequence[Record], zone: tzinfo | None, names: Mapping[str, str]) -> Table:
    """The newest calls, newest first."""
    table = Table(box=None, show_header=True, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("dialed", "contact", "phone", "try", "what became of it"):
        table.add_column(name, no_wrap=True)
    table.add_column("seconds", justify="right")
    for call in calls:
        state = call["outcome"] or call["status"]
        table.add_row(
            Text(_clock(call["dialedAt"], zone), "dim"),
            Text(names.get(call["contactId"], call["contactId"])[:24]),
            Text(call["phone"]),
            Text(str(call["attempt"]), "dim"),
            Text(state.replace("_", " "), tint(state)),
            f"{call['durationSeconds']:.0f}" if call["durationSeconds"] is not None else "",
        )
    return table


def line(look: Look) -> str:
    """The same in a line."""
    counts = look.counts
    named = ", ".join(f"{counts[name]} {name}" for name in PARTS if counts[name]) or "no contacts"
    said = prospect(look)
    parts = [
        look.campaign["status"],
        f"{look.ended}/{counts['total']} ended ({named})",
        f"{look.calls_total} calls, {look.calls_per_second:.1f}/s",
    ]
    return "; ".join([*parts, said] if said else parts)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    if whole < 90 * 60:
        return f"{round(whole / 60)} min"
    return f"{whole / 3600:.1f} h" if whole < 48 * 3600 else f"{round(whole / 86400)} days"


def _number(name: str, count: int) -> Text:
    mark, style = PARTS[name]
    return Text.assemble((mark, style), " ", (str(count), "bold" if count else "dim"), " ", (name, "dim"))


def _clock(at: str | None, zone: tzinfo | None = None) -> str:
    return f"{datetime.fromisoformat(at).astimezone(zone):%H:%M:%S}" if at else ""
