"""The plot of a campaign: for each zone the calls per hour, drawn over the hours in which its people may be called."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from html import escape

import msgspec

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BAND = 1000, 170, 70, 86, 46, 36
_HOUR = timedelta(hours=1)
_INK, _FAINT, _LAWFUL, _CALLS, _OUTSIDE, _PAPER = "#1f2933", "#7b8794", "#d7ecd9", "#2f6f9f", "#c0262d", "#ffffff"


class Row(msgspec.Struct, frozen=True):
    """One zone: when its people may be called, and the moments at which they were."""

    name: str
    windows: Sequence[tuple[datetime, datetime]]
    calls: Sequence[datetime]

    def outside(self) -> int:
        """Calls outside every window: there are to be none."""
        return sum(not any(start <= call < end for start, end in self.windows) for call in self.calls)


def draw(title: str, subtitle: str, rows: Sequence[Row], start: datetime, end: datetime) -> str:
    """The plot as SVG, over whole hours of UTC from `start` to `end`."""
    scale = (_WIDTH - _LEFT - _RIGHT) / ((end - start) / _HOUR)

    def x(moment: datetime) -> float:
        return _LEFT + scale * (min(max(moment, start), end) - start) / _HOUR

    height = _TOP + _ROW * len(rows) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{height}" fill="{_PAPER}"/>',
        _text(16, 28, title, size=18, weight="bold"),
        _text(16, 48, subtitle, fill=_FAINT),
        *_legend(),
    ]
    hourly = [_per_hour(row.calls, start, end) for row in rows]
    most = max((max(counts) for counts in hourly if counts), default=1) or 1
    for i, (row, counts) in enumerate(zip(rows, hourly, strict=True)):
        base = _TOP + _ROW * i + _BAND
        for opens, closes in row.windows:
            if opens < end and closes > start:
                parts.append(_box(x(opens), base - _BAND, x(closes) - x(opens), _BAND, _LAWFUL))
        for hour, count in enumerate(counts):
            if count:
                tall = max(1.0, (_BAND - 2) * count / most)
                parts.append(_box(_LEFT + scale * hour + 0.5, base - tall, max(1.0, scale - 1), tall, _CALLS))
        parts += [
            _box(x(call) - 1, base - _BAND, 2, _BAND, _OUTSIDE)
            for call in row.calls
            if not any(opens <= call < closes for opens, closes in row.windows)
        ]
        parts.append(f'<path d="M{_LEFT} {base}H{_WIDTH - _RIGHT}" stroke="{_FAINT}" stroke-width="0.5"/>')
        parts.append(_text(_LEFT - 10, base - 12, row.name, anchor="end"))
        parts.append(_text(_WIDTH - _RIGHT + 8, base - 12, f"{len(row.calls):,}"))
    parts += _axis(x, start, end, _TOP + _ROW * len(rows))
    return "\n".join([*parts, "</svg>", ""])


def _per_hour(calls: Sequence[datetime], start: datetime, end: datetime) -> list[int]:
    counts = [0] * -(-(end - start) // _HOUR)
    for call in calls:
        if start <= call < end:
            counts[(call - start) // _HOUR] += 1
    return counts


def _legend() -> list[str]:
    return [
        _box(16, 60, 12, 12, _LAWFUL),
        _text(34, 70, "may be called", fill=_FAINT),
        _box(126, 60, 12, 12, _CALLS),
        _text(144, 70, "calls per hour, one scale for all rows", fill=_FAINT),
        _box(372, 60, 12, 12, _OUTSIDE),
        _text(390, 70, "a call outside (there are to be none)", fill=_FAINT),
    ]


def _axis(x: Callable[[datetime], float], start: datetime, end: datetime, base: float) -> list[str]:
    ticks = []
    moment = start
    while moment <= end:
        if moment.hour % 6 == 0:
            ticks.append(f'<path d="M{x(moment):.1f} {_TOP - 4}V{base}" stroke="{_FAINT}" stroke-width="0.3"/>')
            ticks.append(_text(x(moment), base + 16, f"{moment:%H}", anchor="middle", fill=_FAINT))
            if moment.hour == 0:
                ticks.append(_text(x(moment), base + 32, f"{moment:%a %-d %b} UTC", anchor="middle"))
        moment += _HOUR
    return ticks


def _box(left: float, top: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def _text(
    left: float,
    base: float,
    text: str,
    *,
    anchor: str = "start",
    fill: str = _INK,
    size: int = 12,
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{left:.1f}" y="{base:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}"'
        f' font-weight="{weight}">{escape(text)}</text>'
    )
