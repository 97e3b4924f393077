"""docs/policy.md says what the presets' files say."""

import pytest

from tests.house.presets import PAGE, rendered


def test_the_page_has_the_presets_of_the_files() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert rendered(text) == text, "run `python -m tests.house.presets`"


def test_a_figure_that_differs_is_seen() -> None:
    text = PAGE.read_text(encoding="utf-8")
    changed = text.replace("Mon-Sun 08:00-21:00", "Mon-Sun 07:00-21:00", 1)
    assert changed != text
    assert rendered(changed) != changed


def test_a_missing_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no table"):
        rendered("nothing here")
