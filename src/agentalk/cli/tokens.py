"""`agentalk tokens`: who may use the API."""

import re
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from agentalk.cli.environment import DataDir
from agentalk.cli.operator import checked, in_database
from agentalk.cli.output import Json, say, show_json, show_table
from agentalk.domain.clock import Clock
from agentalk.domain.ids import OrgId, TokenId
from agentalk.domain.organization import Role, Token
from agentalk.operations import organizations, tokens
from agentalk.operations.tokens import IssuedToken, NewToken
from agentalk.store.database import Database

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Create, list and revoke tokens, straight in the database."
)
_SPAN = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@app.command()
def create(
    organization: Annotated[UUID, typer.Option(metavar="ID", help="Whose token it is.")],
    name: Annotated[str, typer.Option(help="A name for people.")] = "cli",
    role: Annotated[Role, typer.Option(help="What it may do; each includes the one before.")] = Role.WRITE,
    superuser: Annotated[bool, typer.Option("--superuser", help="It sees every organization.")] = False,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="12h, 30d, 8w, or a time: 2027-01-01T00:00:00Z")
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Create a token. It is shown this once."""
    now = Clock().now()
    expires_at = _expiry(expires, now) if expires else None
    draft = checked(NewToken, name=name, role=role, superuser=superuser, expiresAt=expires_at)

    async def work(database: Database) -> IssuedToken:
        async with database.transaction() as tx:
            found = await organizations.get(tx, None, OrgId(organization))
            return await tokens.create(tx, found.id, draft, now)

    issued = in_database(data_dir, work)
    if json:
        show_json(issued)
        return
    say(f"Created token {issued.id}. It is shown this once:")
    typer.echo(issued.token)


@app.command("list")
def list_(
    organization: Annotated[UUID | None, typer.Option(metavar="ID", help="Only this organization's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Pass over so many.")] = 0,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List tokens, newest first; never their secrets."""
    org = OrgId(organization) if organization else None

    async def work(database: Database) -> tuple[list[Token], int]:
        async with database.reading() as tx:
            return await tokens.page(tx, org, limit, offset)

    found, total = in_database(data_dir, work)
    if json:
        show_json({"data": found, "pagination": {"total": total, "limit": limit, "offset": offset}})
        return
    columns = ("ID", "ORGANIZATION", "NAME", "ROLE", "SUPERUSER", "CREATED", "EXPIRES", "LAST USED", "REVOKED")
    rows = [
        (
            one.id,
            one.organization_id,
            one.name,
            one.role.value,
            one.superuser,
            one.created_at,
            one.expires_at,
            one.last_used_at,
            one.revoked_at,
        )
        for one in found
    ]
    show_table(columns, rows, "No tokens yet: agentalk tokens create")


@app.command()
def revoke(
    token: Annotated[UUID, typer.Argument(help="The token's id, as `agentalk tokens list` shows it.")],
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Revoke a token, at once and for good."""

    async def work(database: Database) -> Token:
        return await database.run(tokens.revoke, None, TokenId(token), Clock().now())

    revoked = in_database(data_dir, work)
    show_json(revoked) if json else say(f"Revoked token {revoked.id}.")


def _expiry(text: str, now: datetime) -> datetime:
    if span := _SPAN.fullmatch(text):
        return now + int(span[1]) * _UNITS[span[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(
            f'"{text}" is neither a span (12h, 30d, 8w) nor a time with its offset (2027-01-01T00:00:00Z).',
            param_hint="--expires",
        )
    return moment
