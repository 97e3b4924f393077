"""What the demo says at its end, to people and to programs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agentalk.cli.client import Record
from agentalk.cli.demo.day import HOME, Next
from agentalk.cli.demo.story import Ending
from agentalk.cli.output import program
from agentalk.cli.screen import Bar, duration

OUTCOMES = {
    "answered": "talked with the agent",
    "voicemail": "machine took the message",
    "no_answer": "nobody answered",
    "busy": "busy",
    "rejected": "declined",
    "opted_out": "asked not to be called again",
    "invalid_number": "number does not exist",
    "unreachable": "phone is off or away",
    "carrier_failure": "the carrier failed",
}
SKIPS = {
    "no_timezone": "no time zone can be told, so no hour is known to be lawful",
    "invalid_number": "the number does not exist",
    "opted_out": "asked not to be called again",
    "do_not_call": "on the do-not-call list",
    "no_phone": "no phone",
}


def figures(ending: Ending) -> dict[str, object]:
    """The summary as data."""
    ends = Counter((one["status"], one["lastOutcome"]) for one in ending.contacts)
    simulated = (ending.ended - ending.began).total_seconds()
    return {
        "campaignId": ending.campaign["id"],
        "rows": ending.imported.rows,
        "refusedRows": ending.imported.refused,
        "contacts": len(ending.contacts),
        "counts": ending.campaign["counts"],
        "reached": ends["completed", "answered"],
        "voicemail": ends["completed", "voicemail"],
        "retried": sum(attempts > 1 for attempts in _attempts(ending.calls).values()),
        "skipped": dict(Counter(one["skipReason"] for one in ending.contacts if one["skipReason"])),
        "scheduled": len(ending.coming),
        "calls": len(ending.calls),
        "outcomes": dict(Counter(call["outcome"] for call in ending.calls)),
        "callsPerSecond": round(len(ending.calls) / ending.seconds, 2),
        "simulatedCallsPerSecond": round(len(ending.calls) / simulated, 3),
        "seconds": round(ending.seconds, 1),
        "simulatedSeconds": round(simulated),
        "faults": ending.faults,
    }


def show(ending: Ending, folder: Path, token: str, out: Console) -> None:
    """The summary for a person."""
    out.print()
    out.print(_headline(ending), soft_wrap=True)
    out.print(Padding(Group(*_body(ending, folder)), (1, 2)))
    if ending.sample:
        out.print(Padding(_conversation(ending.sample), (0, 2)))
        out.print()
    out.print(_verdict(ending))
    out.print()
    for text in _where_next(folder, token, ending.campaign["id"]):
        out.print(text, soft_wrap=True)


def _headline(ending: Ending) -> Text:
    simulated = (ending.ended - ending.began).total_seconds()
    told = _place_time(ending.ended)
    return Text.assemble(
        ("The campaign has come to rest", "bold"),
        f" at {told} in Los Angeles, after {duration(simulated)} of its day and {duration(ending.seconds)} of yours.",
    )


def _body(ending: Ending, folder: Path) -> Iterator[RenderableType]:
    told = figures(ending)
    counts = ending.campaign["counts"]
    yield Bar(counts)
    yield Text()
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column(style="none")
    table.add_column(style="dim")
    table.add_row(str(told["reached"]), Text("reached", "green"), "a person talked with the agent")
    table.add_row(str(told["voicemail"]), Text("voicemail", "cyan"), "a machine took the message")
    table.add_row(str(told["retried"]), Text("retried", "yellow"), "called more than once")
    for n, what, why in _ended_otherwise(ending):
        table.add_row(str(n), what, why)
    for n, what, why in _scheduled(ending.coming):
        table.add_row(str(n), what, why)
    for n, what, why in _refused(ending):
        table.add_row(str(n), what, why)
    yield table
    yield Text()
    if ending.imported.errors:
        yield Text(f"The refused rows, with reasons, are in {folder / 'contacts.refused.csv'}.")
    yield Text.assemble(
        (f"{told['calls']} calls", "bold"),
        f": {_named(ending.calls)}.",
    )
    pace, simulated = told["callsPerSecond"], told["simulatedCallsPerSecond"]
    yield Text(f"{pace} calls a second of your time, {simulated} of the simulated day's.")


def _ended_otherwise(ending: Ending) -> Iterator[tuple[int, RenderableType, str]]:
    skipped = Counter(one["skipReason"] for one in ending.contacts if one["skipReason"])
    for reason, n in skipped.most_common():
        yield n, Text("skipped", "magenta"), SKIPS.get(reason, reason)
    exhausted = Counter(one["lastOutcome"] for one in ending.contacts if one["status"] == "exhausted")
    for outcome, n in exhausted.most_common():
        yield n, Text("given up", "red"), f"{OUTCOMES.get(outcome, outcome)}; no attempt is left"


def _scheduled(coming: Sequence[Next]) -> Iterator[tuple[int, RenderableType, str]]:
    retries = sorted(one.at for one in coming if one.status == "waiting" and one.at)
    if retries:
        yield (
            len(retries),
            Text("to be retried", "yellow"),
            f"next attempts from {_place_time(retries[0])} to {_place_time(retries[-1])} (Los Angeles)",
        )
    openings = Counter(one.at for one in coming if one.status == "pending" and one.at)
    for at, n in sorted(openings.items()):
        yield n, Text("not yet open", "bright_black"), f"their calling hours begin at {_place_time(at)} (Los Angeles)"


def _refused(ending: Ending) -> Iterator[tuple[int, RenderableType, str]]:
    reasons = Counter(one.reason for one in ending.imported.errors)
    for reason, n in reasons.most_common():
        yield n, Text("refused row" if n == 1 else "refused rows", "red"), reason
    for reason, n in Counter(one["reason"] for one in ending.added["invalidContacts"]).items():
        yield n, Text("not added", "red"), reason


def _conversation(call: Record) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim")
    table.add_column()
    table.add_column()
    for line in call["transcript"]:
        agent = line["speaker"] == "agent"
        table.add_row(f"{line['at']:.1f} s", Text(line["speaker"], "cyan" if agent else "green"), line["text"])
    title = Text.assemble(("A conversation", "bold"), f" with {call['name'] or call['contactId']}, {call['phone']}")
    return Group(title, Padding(table, (1, 0, 0, 2)))


def _verdict(ending: Ending) -> Text:
    rang = len(ending.calls)
    if not ending.faults:
        return Text.assemble(
            ("✓ ", "green"), f"The carrier's ledger agrees: {rang} calls, and no attempt was dialled twice."
        )
    text = Text.assemble(("✗ ", "bold red"), "The carrier's ledger disagrees:")
    for fault in ending.faults[:10]:
        text.append(f"\n  {fault}", "red")
    return text


def _where_next(folder: Path, token: str, campaign: str) -> Iterator[Text]:
    yield Text("Where to look next", "bold")
    yield Text(f"  its data is in {folder}; serve it, and then read, ask, or go on calling:")
    yield Text()
    yield Text(f"  {program()} serve --data-dir {folder}", "cyan")
    yield Text(f"  export AGENTALK_TOKEN={token}", "cyan")
    yield Text("  open http://127.0.0.1:8000/docs", "cyan")
    yield Text('  curl -H "Authorization: Bearer $AGENTALK_TOKEN" http://127.0.0.1:8000/api/campaigns', "cyan")
    yield Text(f"  {program()} campaigns start {campaign}", "cyan")


def _named(calls: Sequence[Record]) -> str:
    outcomes = Counter(call["outcome"] or call["status"] for call in calls)
    return ", ".join(f"{n} {outcome.replace('_', ' ')}" for outcome, n in outcomes.most_common())


def _attempts(calls: Sequence[Record]) -> dict[str, int]:
    most: dict[str, int] = {}
    for call in calls:
        most[call["contactId"]] = max(most.get(call["contactId"], 0), call["attempt"])
    return most


def _place_time(at: datetime) -> str:
    return f"{at.astimezone(HOME):%a %H:%M}"
