"""Numbers in E.164 are read the short way, and never otherwise than `phonenumbers` reads them."""

from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalk.domain.contact import is_e164, read_phone

TYPES = [*phonenumbers.PhoneNumberType.values(), phonenumbers.PhoneNumberType.UNKNOWN]
CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def read_at_length(text: str) -> str | None:
    """The number by the library alone."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return phone if phonenumbers.is_possible_number(number) and is_e164(phone) else None


def examples() -> Iterator[str]:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for type in TYPES:
            if number := phonenumbers.example_number_for_type(region, type):
                yield phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def test_a_number_of_every_kind_in_every_country() -> None:
    for text in examples():
        assert read_phone(text) == read_at_length(text), text


@given(st.sampled_from(CODES), st.text("0123456789", min_size=1, max_size=13))
def test_any_digits_under_any_calling_code(code: int, digits: str) -> None:
    text = f"+{code}{digits}"
    assert read_phone(text) == read_at_length(text)


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("+14155550123", "+14155550123"),
        ("+114155550123", "+14155550123"),  # a 1 that was dialled twice
        ("+4402079460958", "+442079460958"),  # a national 0 after the calling code
        ("+390612345678", "+390612345678"),  # the same 0 belongs to the number in Italy
        ("+5491151234567", "+5491151234567"),
        ("+54111551234567", "+5491151234567"),  # a mobile's 15 between its digits
        ("+2105550123", None),  # no such calling code
        ("+1415", None),
    ],
)
def test_what_may_be_taken_off(text: str, phone: str | None) -> None:
    assert read_phone(text) == phone == read_at_length(text)
