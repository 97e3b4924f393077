"""Ids that we make: they sort by time, and no two are alike."""

from datetime import timedelta

from agentalk.domain.ids import uuid7, uuid7s
from tests.conftest import NOW


def test_ids_made_together_are_as_good_as_those_made_one_by_one() -> None:
    earlier = [uuid7(NOW), *uuid7s(NOW, 500)]
    later = uuid7s(NOW + timedelta(milliseconds=1), 500)
    assert len({*earlier, *later}) == 1001
    assert {(each.version, each.variant) for each in earlier} == {(7, "specified in RFC 4122")}
    assert {each.int >> 80 for each in earlier} == {int(NOW.timestamp() * 1000)}
    assert max(earlier) < min(later)
    # Chance fills all that is left: in so many, every such bit is now set and now not.
    chance = (2**12 - 1) << 64 | (2**62 - 1)
    some, every = 0, chance
    for each in earlier:
        some, every = some | each.int, every & each.int
    assert (some & chance, every) == (chance, 0)


def test_none_are_asked_for() -> None:
    assert uuid7s(NOW, 0) == []
