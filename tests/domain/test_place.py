"""Where a person may be: area codes against the library's own metadata, addresses, and both together."""

import phonenumbers
import pytest
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

from agentalk.domain.contact import Address, zone_group
from agentalk.domain.place import Place, of_address, of_number, united
from agentalk.domain.policy.hours import unplaceable
from agentalk.domain.policy.model import DEFAULTS
from agentalk.domain.window import Window, group_key, is_zone, jurisdictions_of, zones_of
from tests.conftest import NOW

EAST, CENTRAL, MOUNTAIN, WEST = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"


def number(national: str) -> phonenumbers.PhoneNumber:
    return phonenumbers.PhoneNumber(1, int(national))


def codes(country: str) -> dict[str, str]:
    """The parts of a country by name, taken from the place that each area code gives."""
    parts = {part for area in range(200, 1000) for part in of_number(number(f"{area}2345678")).jurisdictions}
    return {part: part.partition("-")[2] for part in parts if part.startswith(f"{country}-")}


@pytest.mark.parametrize("country", ["US", "CA"])
def test_every_area_code_is_where_the_librarys_geocoding_says(country: str) -> None:
    """Fails when the library learns of an area code: add it to places/US.toml or CA.toml."""
    known = set(codes(country).values())
    named: dict[str, set[str]] = {}
    for start, data in GEOCODE_DATA.items():
        if start[0] == "1" and "en" in data:
            named.setdefault(start[1:4], set()).add(data["en"])
    for area, places in named.items():
        if phonenumbers.region_code_for_number(number(f"{area}2345678")) != country:
            continue
        said = {place.rpartition(", ")[2] for place in places} & known
        found = {part.partition("-")[2] for part in of_number(number(f"{area}2345678")).jurisdictions}
        if said:
            # "Jersey City, NY" is the one slip of the metadata.
            assert said - {"NY"} <= found | {"NY"}, area
            assert found & said, area
        else:
            assert found, f"{area}: {places}"
            assert "US-ZZ" not in of_number(number(f"{area}2345678")).jurisdictions, f"{area}: {places}"


def test_the_area_codes_that_span_zones_count_as_all_of_them() -> None:
    spans: dict[str, set[str]] = {}
    for start, zones in TIMEZONE_DATA.items():
        if start[0] == "1" and len(start) >= 4:
            spans.setdefault(start[1:4], set()).update(zones)
    wide = {area for area, zones in spans.items() if len(zones) > 1}
    assert len(wide) == 25
    for area in wide:
        assert spans[area] <= set(of_number(number(f"{area}2345678")).zones), area


def test_there_are_fifty_states_a_district_and_five_territories_and_thirteen_provinces() -> None:
    assert len(codes("US")) - 1 == 50 + 1 + 5, "and the unknown one"
    assert len(codes("CA")) == 13


@pytest.mark.parametrize(
    ("phone", "group"),
    [
        ("+12125550100", f"{EAST}@US-NY"),
        ("+13055550100", f"{EAST}@US-FL"),
        ("+12025550100", f"{EAST}@US-DC"),
        ("+18505550100", f"{CENTRAL},{EAST}@US-FL"),
        ("+14485550100", f"{CENTRAL},{EAST}@US-FL"),
        ("+12085550100", f"America/Boise,{MOUNTAIN},{WEST}@US-ID"),
        ("+19025550100", "America/Halifax@CA-NS,CA-PE"),
        ("+14165550100", "America/Toronto@CA-ON"),
        ("+17875550100", "America/Puerto_Rico@US-PR"),
        ("+18763211234", "America/Jamaica@JM"),
        ("+18092201234", "America/Santo_Domingo@DO"),
        ("+442079460123", "Europe/London@GB"),
        ("+33612345678", "Europe/Paris@FR"),
        ("+212612345678", "Africa/Casablanca,Atlantic/Canary@MA"),
        ("+80012345678", ""),
        (None, ""),
    ],
)
def test_of_a_number(phone: str | None, group: str) -> None:
    assert zone_group(phone, None, None) == group


@pytest.mark.parametrize("phone", ["+18005550100", "+18885550100", "+15002345678"])
def test_a_number_without_a_place_may_be_in_any_state_or_in_canada(phone: str) -> None:
    group = zone_group(phone, None, None)
    assert jurisdictions_of(group) == ("CA", "US-ZZ")
    assert len(zones_of(group)) > 10 or zones_of(group) == ()
    assert unplaceable(Window(), DEFAULTS, group, NOW)
    assert zone_group(phone, EAST, None) == f"{EAST}@CA,US-ZZ"
    assert jurisdictions_of(zone_group(phone, EAST, Address("US", "FL"))) == ("CA", "US-FL")


def test_a_russian_mobile_may_be_in_many_zones() -> None:
    group = zone_group("+79161234567", None, None)
    assert len(zones_of(group)) == 16
    assert jurisdictions_of(group) == ("RU",)
    assert zone_group("+79161234567", None, Address("ru")) == group, "the country alone narrows nothing"


@pytest.mark.parametrize(
    ("address", "group"),
    [
        (Address("US", "NY"), f"{EAST}@US-NY"),
        (Address("us", "new york"), f"{EAST}@US-NY"),
        (Address("US", "US-TX"), f"{CENTRAL},{MOUNTAIN}@US-TX"),
        (Address("US", "TX", "79901"), f"{CENTRAL},{MOUNTAIN}@US-TX"),
        (Address("US", "TX", "77002-1234"), f"{CENTRAL}@US-TX"),
        (Address("US", None, "32501"), f"{CENTRAL}@US-FL"),
        (Address("US", None, "33101"), f"{EAST}@US-FL"),
        (Address("US", "FL", "77002"), f"{CENTRAL},{EAST}@US-FL,US-TX"),
        (Address("US", None, "06390"), f"{EAST}@US-CT,US-NY"),
        (Address("PR"), "America/Puerto_Rico@US-PR"),
        (Address("CA", "ON"), "America/Panama,America/Toronto,America/Winnipeg@CA-ON"),
        (Address("CA", None, "k1a 0b1"), "America/Toronto@CA-ON"),
        (
            Address("CA", None, "X0A 0H0"),
            "America/Edmonton,America/Panama,America/Toronto,America/Winnipeg@CA-NT,CA-NU",
        ),
        (Address("DE", "BY", "80331"), "Europe/Berlin@DE"),
        (Address("ES"), "Atlantic/Canary,Europe/Madrid@ES"),
        (Address("QQ"), "@QQ"),
        (Address(None, "FL", "33101"), ""),
    ],
)
def test_of_an_address(address: Address, group: str) -> None:
    assert zone_group(None, None, address) == group


@pytest.mark.parametrize(
    ("phone", "zone", "address", "group"),
    [
        ("+33612345678", None, Address("US", "FL", "33101"), f"{EAST},Europe/Paris@FR,US-FL"),
        ("+13055550100", None, Address("US"), f"{EAST}@US-FL"),
        ("+13055550100", None, Address("US", "Atlantis"), f"{EAST}@US-FL"),
        ("+14165550100", None, Address("CA"), "America/Toronto@CA-ON"),
        ("+13055550100", None, Address("CA", "QC", "H1A 0A1"), f"{EAST},America/Toronto@CA-QC,US-FL"),
        ("+13055550100", WEST, Address("US", "TX"), f"{WEST}@US-FL,US-TX"),
        (None, "Europe/Paris", None, "Europe/Paris"),
        ("+80012345678", None, Address("FR"), "@FR"),  # it may ring anywhere: an address does not tell where
        ("+80012345678", "Europe/Paris", Address("FR"), "Europe/Paris@FR"),
    ],
)
def test_of_both(phone: str | None, zone: str | None, address: Address, group: str) -> None:
    assert zone_group(phone, zone, address) == group


def test_an_address_abroad_of_which_only_a_wide_country_is_known_counts_as_all_of_it() -> None:
    group = zone_group("+442079460123", None, Address("US"))
    assert set(zones_of(group)) >= {"Europe/London", EAST, "Pacific/Honolulu"}
    assert jurisdictions_of(group) == ("GB", "US-ZZ")


def test_every_zone_that_a_file_names_is_known_here() -> None:
    countries = [chr(a) + chr(b) for a in range(65, 91) for b in range(65, 91)]
    zones = {zone for country in countries for zone in of_address(country, None, None).zones}
    assert len(zones) > 200
    assert all(map(is_zone, zones))


def test_a_country_is_left_out_beside_a_part_of_it() -> None:
    assert united(Place((), ("CA",)), Place((), ("CA-ON",))).jurisdictions == ("CA-ON",)
    assert united(Place((), ("US-ZZ",)), Place((), ("US-FL",))).jurisdictions == ("US-FL",)
    assert united(Place((), ("US-ZZ",)), Place((), ("FR",))).jurisdictions == ("FR", "US-ZZ")


def test_a_key_is_the_same_in_any_order_and_can_be_read_back() -> None:
    key = group_key([WEST, EAST, WEST], ["US-NY", "FR"])
    assert key == group_key([EAST, WEST], ["FR", "US-NY", "FR"]) == f"{WEST},{EAST}@FR,US-NY"
    assert (zones_of(key), jurisdictions_of(key)) == ((WEST, EAST), ("FR", "US-NY"))
    assert (zones_of("@FR"), jurisdictions_of("@FR")) == ((), ("FR",))
    assert (zones_of(""), jurisdictions_of("")) == ((), ())
    assert (zones_of(EAST), jurisdictions_of(EAST)) == ((EAST,), ())
    assert group_key([], []) == ""
