"""Points in time become UTC, or are refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from agentalk.domain.errors import Invalid
from agentalk.domain.moment import in_utc


def test_a_moment_becomes_utc() -> None:
    given = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert in_utc("startAt", given) == given
    assert in_utc("startAt", given).isoformat() == "2026-02-28T20:00:00+00:00"


@pytest.mark.parametrize(
    "given",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-14))),
        datetime(1969, 12, 31, 23, 59, tzinfo=UTC),
    ],
)
def test_a_moment_outside_of_what_can_be_told_is_refused(given: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        in_utc("startAt", given)

    assert refused.value.errors[0].field == "startAt"
