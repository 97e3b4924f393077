"""The demo's people: nobody's numbers, in several countries and zones, some rows bad."""

import io
from collections import Counter
from importlib.resources import files

from agentalk.cli.demo.people import SHIPPED, people, write
from agentalk.domain.contact import read_phone, zone_group
from agentalk.domain.window import zones_of

ROWS = list(people(SHIPPED))


def test_the_shipped_file_is_what_the_rule_makes() -> None:
    made = io.StringIO()
    write(people(SHIPPED), made)

    assert files("agentalk.cli.demo").joinpath("contacts.csv").read_text() == made.getvalue()


def test_more_people_begin_with_the_same() -> None:
    assert list(people(5_000))[:SHIPPED] == ROWS


def test_ids_are_distinct() -> None:
    assert len({row["id"] for row in people(5_000)}) == 5_000


def test_they_live_in_many_places() -> None:
    phones = {row["id"]: read_phone(row["phone"]) for row in ROWS}
    groups = Counter(zone_group(phones[row["id"]], row["timeZone"] or None, None) for row in ROWS if phones[row["id"]])
    zones = {zone for group in groups for zone in zones_of(group)}

    for place in ("New_York", "Chicago", "Denver", "Los_Angeles", "London", "Paris", "Sydney", "Kolkata", "Honolulu"):
        assert any(zone.endswith(place) for zone in zones), place
    assert len({row["country"] for row in ROWS} - {""}) >= 7


def test_some_have_no_place_and_some_no_phone() -> None:
    phones = [read_phone(row["phone"]) for row in ROWS]
    lost = [phone for phone, row in zip(phones, ROWS, strict=True) if phone and not row["timeZone"]]

    assert sum(zones_of(zone_group(phone, None, None)) == () for phone in lost) >= 3
    assert sum(len(zones_of(zone_group(phone, None, None))) > 20 for phone in lost) >= 3
    assert 5 <= sum(phone is None for phone in phones) <= 15
    assert sum(row["timeZone"].startswith("Mars") for row in ROWS) >= 2
