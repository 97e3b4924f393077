"""What came of a world, for a reader: a table when all is well, and the story of what went wrong when it is not."""

from collections.abc import Sequence

from tests.simulation.world import Report, line

_LAST = 40
_ABOUT = 60


def story(report: Report) -> str:
    """The violation, what the trace says of those it is about, and the last steps before it."""
    if report.violation is None:
        return ""
    lines = [line(entry) for entry in report.trace]
    words = [word for word in report.violation.about if word]
    about = [each for each in lines[:-_LAST] if any(word in each for word in words)][-_ABOUT:]
    parts = [f"VIOLATION  {report.violation}"]
    if about:
        parts += ["", f"What was said of {', '.join(words)}:", *about]
    return "\n".join([*parts, "", f"The last {_LAST} steps:", *lines[-_LAST:]])


def summary(reports: Sequence[Report], seconds: float) -> str:
    """A table of what all these worlds saw."""
    figures: dict[str, int] = {"worlds": len(reports)}
    faults: dict[str, int] = {}
    for report in reports:
        for name, value in report.figures.items():
            figures[name] = figures.get(name, 0) + value
        for name, value in report.faults.items():
            faults[name] = faults.get(name, 0) + value
    figures["faults"] = sum(faults.values())
    figures["violations"] = sum(report.violation is not None for report in reports)
    rows = [f"  {name:<30}{value:>10,}" for name, value in figures.items()]
    struck = [f"  {name:<30}{value:>10,}" for name, value in sorted(faults.items())]
    return "\n".join([*rows, f"  {'seconds':<30}{seconds:>10,.0f}", "", "Faults by kind:", *struck])
