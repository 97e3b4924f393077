"""Notices when calls stay stuck: their carrier is asked again and again, and nothing becomes known of any of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from agentalk.carriers.carrier import FindAnswer, Unsure
from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import CallId, OrgId
from agentalk.store.reports import Check

log = structlog.get_logger(__name__)

# A carrier that is away for a moment alarms nobody.
_PATIENCE = timedelta(minutes=1)
# Calls in doubt are asked about every few seconds: a longer silence ends an episode.
_SILENCE = timedelta(seconds=30)


class Episode(msgspec.Struct):
    """One organization's calls are stuck."""

    since: datetime
    last: datetime
    calls: set[CallId]
    told: bool = False


class Alarm:
    """One alert for each organization and episode; the first call that is repaired ends it."""

    def __init__(self) -> None:
        self._episodes: dict[OrgId, Episode] = {}

    def hear(self, asked: Sequence[tuple[Check, FindAnswer]], now: datetime) -> list[Happening]:
        """Take the carriers' answers of one moment; the alerts to be raised."""
        for org in {check.organization_id for check, answer in asked if not isinstance(answer, Unsure)}:
            episode = self._episodes.pop(org, None)
            if episode is not None and episode.told:
                log.info("stuck calls are being repaired again", organization=str(org))
        alerts = []
        for org in {check.organization_id for check, _ in asked}:
            stuck = [check for check, answer in asked if check.organization_id == org and isinstance(answer, Unsure)]
            if len(stuck) == sum(check.organization_id == org for check, _ in asked):
                alerts += self._stuck(org, stuck, now)
        return alerts

    def _stuck(self, org: OrgId, stuck: Sequence[Check], now: datetime) -> list[Happening]:
        episode = self._episodes.get(org)
        if episode is None or now - episode.last > _SILENCE:
            episode = self._episodes[org] = Episode(now, now, set())
        episode.last = now
        episode.calls |= {check.id for check in stuck}
        if episode.told or now - episode.since < _PATIENCE:
            return []
        episode.told = True
        log.error("calls are stuck and none could be repaired", organization=str(org), calls=len(episode.calls))
        carriers = sorted({check.carrier for check in stuck})
        data = {"calls": len(episode.calls), "carriers": carriers, "since": episode.since}
        return [Happening(org, None, EventName.CALLS_STUCK, data)]
