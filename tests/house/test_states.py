"""docs/states.md says what the code does."""

import pytest

from tests.house.states import PAGE, TABLES, rendered


def test_the_page_has_the_tables_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert rendered(text) == text, "run `python -m tests.house.states`"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_differs_is_seen(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    start = text.index(f"<!-- {name} -->")
    changed = text[:start] + text[start:].replace("|", "!", 1)
    assert rendered(changed) != changed


def test_a_missing_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no table"):
        rendered("nothing here")
