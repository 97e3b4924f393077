"""What a benchmark says: a figure, what it is held against, the ratio, and the goal."""

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One row of the table. Only the ratio can be compared between machines."""

    what: str
    ours: str
    against: str
    ratio: str
    goal: str


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = [("what", "ours", "against", "ratio", "goal"), ("---",) * 5]
    rows += [(f.what, f.ours, f.against, f.ratio, f.goal) for f in figures]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
