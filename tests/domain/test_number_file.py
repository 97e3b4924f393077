"""A file of numbers that are not to be called, in whatever shape it comes."""

import io
from typing import Any

import pytest

from agentalk.domain.errors import Invalid
from agentalk.domain.number_file import BadNumber, NumberFile


def read(content: str | bytes, country: str | None = None) -> list[Any]:
    """Each row: a number, or the (row, value) of one that holds none."""
    file = NumberFile(io.BytesIO(content.encode() if isinstance(content, str) else content), country)
    return [(row.row, row.value) if isinstance(row, BadNumber) else row for row in file]


@pytest.mark.parametrize(
    ("content", "country", "numbers"),
    [
        ("+12125550100\n+442079460000\n", None, ["+12125550100", "+442079460000"]),
        ("\ufeff+12125550100", None, ["+12125550100"]),
        ("\n\n (212) 555-0100 \r\n\n", "US", ["+12125550100"]),
        ("212,5550100\n213,5550101\n", "US", ["+12125550100", "+12135550101"]),
        ("name,Phone Number\nAda,+12125550100\n", None, ["+12125550100"]),
        ("phone\n", None, []),
        ("number;why\n+12125550100;asked\n", None, ["+12125550100"]),
        ("", None, []),
    ],
)
def test_numbers_are_found(content: str, country: str | None, numbers: list[str]) -> None:
    assert read(content, country) == numbers


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("+12125550100\n12\n\n+12125550101\n", ["+12125550100", (2, "12"), "+12125550101"]),
        ("phone\n2125550100\n", [(2, "2125550100")]),
        ("name,phone\nAda\n", [(2, "")]),
        (b"phone\n+1212\xff5550100\n", [(2, "+1212\ufffd5550100")]),
        ("phone\n+1212\x005550100\n", [(2, "+12125550100")]),
    ],
)
def test_what_is_no_number_comes_back_with_its_row(content: str | bytes, rows: list[Any]) -> None:
    assert read(content) == rows


def test_a_file_without_numbers_or_a_column_of_them_is_refused() -> None:
    with pytest.raises(Invalid, match="neither a number"):
        read("name,age\nAda,36\n")
