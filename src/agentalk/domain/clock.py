"""The one source of time, made at the roof and handed down."""

import asyncio
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall time, or a world that starts elsewhere and runs faster.

    `speed` is seconds of this clock per second of life. A loop asks the clock once and passes `now` on; nothing that
    decides asks again. `is_wall`: it shows the time of day, which others can compare with theirs.
    """

    def __init__(self, start: datetime | None = None, speed: float = 1.0) -> None:
        self._real_start = datetime.now(UTC)
        self._start = start or self._real_start
        self.speed = speed
        self.is_wall = start is None and speed == 1.0

    def now(self) -> datetime:
        """The present moment, in UTC."""
        present = datetime.now(UTC)
        return present if self.is_wall else self._start + (present - self._real_start) * self.speed

    async def sleep(self, duration: timedelta) -> None:
        """Wait until `duration` of this clock's time has passed."""
        await asyncio.sleep(max(0.0, duration.total_seconds() / self.speed))
