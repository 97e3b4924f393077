"""How a preview looks: who is called, who is not and why, when each window opens, and the calls to come."""

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agentalk.cli.client import Record
from agentalk.cli.output import tint

_BARS = "▁▂▃▄▅▆▇█"
_MOST_WINDOWS = 12
_DAY = 24


def page(campaign: Record, preview: Record, zone: tzinfo | None = None) -> RenderableType:
    """All that a preview tells. Times are of `zone`, or local."""
    title = Text.assemble((campaign["name"], "bold"), "  ", (campaign["status"], tint(campaign["status"]) or "dim"))
    body: list[RenderableType] = [summary(preview, zone)]
    if campaign["startAt"]:
        body.append(Text(f"as of its start, {when(preview['startsAt'], zone)}", "dim"))
    if preview["skipped"]:
        rows = [(_spoken(one["reason"]), f"{one['contacts']:,}", _already(one)) for one in preview["skipped"]]
        body += [Text(), _table("Not called", ("", "contacts", ""), rows)]
    if preview["waits"]:
        rows = [(_spoken(one["reason"]), f"{one['contacts']:,}", when(one["until"], zone)) for one in preview["waits"]]
        body += [Text(), _table("Called later", ("", "contacts", "the first at"), rows)]
    if preview["windows"]:
        body += [Text(), _windows(preview["windows"], zone)]
    if any(hour["calls"] for hour in preview["hours"]):
        body += [Text(), *_chart(preview["hours"], zone)]
    body += [Text(), *(Text(f"· {said}", "dim") for said in preview["assumptions"])]
    return Panel(
        Group(*body), title=title, title_align="left", box=box.ROUNDED, border_style="bright_black", padding=(1, 2)
    )


def summary(preview: Record, zone: tzinfo | None = None) -> Text:
    """What counts, in three lines."""
    skipped = sum(one["contacts"] for one in preview["skipped"])
    told = Text.assemble((f"{preview['callable']:,}", "bold green"), " to be called   ")
    told.append_text(Text.assemble((f"{preview['ready']:,}", "bold"), " of them at once   "))
    if preview["calling"]:
        told.append_text(Text.assemble((f"{preview['calling']:,}", "bold"), " on a call   "))
    told.append_text(Text.assemble((f"{skipped:,}", "bold magenta" if skipped else "bold"), " not called\n"))
    calls = preview["firstCalls"] + preview["retries"]
    told.append(f"about {calls:,} calls, {preview['retries']:,} of them retries, at most ")
    told.append(f"{preview['pace']['perHour']:,.0f} an hour ({_bound(preview['pace']['boundBy'])})\n")
    return told.append_text(_end(preview, zone))


def when(moment: str | None, zone: tzinfo | None = None) -> str:
    """A moment as a person says it: `Thu 5 Mar 09:00`."""
    return f"{datetime.fromisoformat(moment).astimezone(zone):%a %-d %b %H:%M}" if moment else ""


def _end(preview: Record, zone: tzinfo | None) -> Text:
    if not preview["callable"]:
        return Text("nobody is left to call", "yellow")
    if preview["endsAt"] is None:
        return Text("no end within 30 days", "yellow")
    return Text.assemble("the last ends about ", (when(preview["endsAt"], zone), "bold"))


def _windows(windows: Sequence[Record], zone: tzinfo | None) -> Table:
    rows = [
        (
            _few([name.replace("_", " ") for name in one["timeZones"]], 2) or "not known",
            _few(one["jurisdictions"], 3),
            f"{one['contacts']:,}",
            when(one["opensAt"], zone) or "never",
            when(one["closesAt"], zone),
        )
        for one in windows[:_MOST_WINDOWS]
    ]
    if rest := windows[_MOST_WINDOWS:]:
        rows.append((f"and {len(rest)} more", "", f"{sum(one['contacts'] for one in rest):,}", "", ""))
    return _table("May be called", ("time zone", "law of", "contacts", "from", "until"), rows)


def _chart(hours: Sequence[Record], zone: tzinfo | None) -> Iterator[RenderableType]:
    """A line for each day of calls, a bar for each hour."""
    most = max(hour["calls"] for hour in hours) or 1
    yield Text("Calls an hour", "bold")
    days: dict[str, list[tuple[int, int]]] = {}
    for hour in hours:
        at = datetime.fromisoformat(hour["startsAt"]).astimezone(zone)
        days.setdefault(f"{at:%a %-d %b}", []).append((at.hour, hour["calls"]))
    for day, told in days.items():
        bars = dict.fromkeys(range(_DAY), " ")
        bars |= {hour: _BARS[min(7, calls * 8 // (most + 1))] if calls else "·" for hour, calls in told}
        line = Text(no_wrap=True, overflow="crop").append(f"{day:<10}", "dim")
        line.append(f"{sum(calls for _, calls in told):>9,}  ", "bold")
        yield line.append("".join(bar * 2 for bar in bars.values()), "bright_blue")
    scale = "".join(f"{hour:<8}" for hour in range(0, _DAY, 4))
    yield Text(" " * 21 + scale, "dim", no_wrap=True, overflow="crop")


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, title=title, title_justify="left", title_style="bold", header_style="dim", pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name == "contacts" else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _spoken(reason: str) -> str:
    return reason.replace("_", " ")


def _already(skip: Record) -> str:
    return f"{skip['already']:,} already" if skip["already"] else ""


def _few(names: Sequence[str], most: int) -> str:
    more = f" +{len(names) - most}" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _bound(name: str) -> str:
    whose, _, limit = name.partition(".")
    spoken = {"callsPerSecond": "calls per second", "maxConcurrency": "live calls", "maxLiveCalls": "live calls"}
    return f"the {whose}'s {spoken.get(limit, limit)}"
