"""Cursors, and how query strings are read."""

import itertools
from datetime import datetime

import pytest

from agentalk.api.query import DeepPage, Page, read_cursor, read_query, write_cursor
from agentalk.domain.errors import Invalid
from tests.conftest import NOW


def test_a_cursor_comes_back_as_it_was() -> None:
    key = (NOW, 5, "é/+?")

    text = write_cursor(key)

    assert read_cursor(text, tuple[datetime, int, str]) == key
    assert text.isascii() and text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "text", ["", "é", "=", "a", "%%%", "bm9wZQ", "WzFd\n", write_cursor("x"), "A" * 10_000], ids=itertools.count()
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_cursor(text, int)

    assert refused.value.errors[0].field == "cursor"


@pytest.mark.parametrize(
    ("raw", "page"),
    [
        (b"", DeepPage()),
        (b"&", DeepPage()),
        (b"limit=1000", DeepPage(limit=1000)),
        (b"limit=5&offset=10", DeepPage(limit=5, offset=10)),
        (b"l%69mit=%35", DeepPage(limit=5)),
        (b"cursor=a%2Bb+c%C3%A9", DeepPage(cursor="a+b cé")),
        (b"cursor=a=b", DeepPage(cursor="a=b")),
        (b"cursor=", DeepPage(cursor="")),
    ],
    ids=itertools.count(),
)
def test_query_strings(raw: bytes, page: Page) -> None:
    assert read_query(raw, DeepPage) == page
