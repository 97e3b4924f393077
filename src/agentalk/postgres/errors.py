"""The one error of this package."""


class PostgresError(Exception):
    """The embedded PostgreSQL, a backup or a restore failed; the message is a sentence that says what to do."""
