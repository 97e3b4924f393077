"""Every refusal a caller can meet.

    Refusal
    ├── Invalid            what was sent is malformed or means nothing here
    │   └── TooMany        more items than one request may carry
    ├── Unauthenticated    no valid token
    ├── Forbidden          a valid token, and not yours to do
    ├── NotFound           not there, or another organization's: never told apart
    ├── Conflict           the state forbids it now
    └── Stale              the record changed since it was read

A refusal is a sentence that says what to do, and a stable `code`. It knows no HTTP status: `api/errors.py` maps it.
"""

from collections.abc import Sequence

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One thing wrong with one field: `field` is its path in the request, as in `window.slots[0].start`."""

    field: str
    message: str


class Refusal(Exception):
    """The base of every refusal. `detail` is a sentence for a person; `errors` name the fields at fault."""

    code = "refused"

    def __init__(self, detail: str, *, code: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.errors = tuple(errors)


class Invalid(Refusal):
    """What was sent is malformed, or means nothing here."""

    code = "invalid"

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """A refusal that names one field: its detail is "`field` message"."""
        return cls(f"`{field}` {message}", errors=[FieldError(field, message)])


class TooMany(Invalid):
    """More items than one request may carry."""

    code = "too_many"


class Unauthenticated(Refusal):
    """No valid token."""

    code = "unauthenticated"


class Forbidden(Refusal):
    """A valid token, and not yours to do."""

    code = "forbidden"


class NotFound(Refusal):
    """Not there, or another organization's: the two are never told apart."""

    code = "not_found"

    @classmethod
    def noun(cls, noun: str, id: object) -> "NotFound":
        """The usual sentence: there is no such `noun`."""
        return cls(f"There is no {noun} {id} in your organization.")


class Conflict(Refusal):
    """The state forbids it now."""

    code = "conflict"


class Stale(Refusal):
    """The record changed since it was read."""

    code = "stale"

    @classmethod
    def noun(cls, noun: str) -> "Stale":
        """The usual sentence: this `noun` changed."""
        return cls(f"The {noun} changed since you read it. Read it again, and send your change with its new ETag.")
