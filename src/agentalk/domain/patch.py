"""What a PATCH asks: fields left out are UNSET and stay as they are."""

from typing import Any

import msgspec


def given(patch: msgspec.Struct) -> dict[str, Any]:
    """Every field of the patch by its Python name; None where it was left out."""
    values = ((name, getattr(patch, name)) for name in patch.__struct_fields__)
    return {name: None if value is msgspec.UNSET else value for name, value in values}
