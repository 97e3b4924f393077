"""`agentalk organizations`: the tenants."""

from typing import Annotated

import typer

from agentalk.cli.environment import DataDir
from agentalk.cli.operator import checked, in_database
from agentalk.cli.output import Json, say, show_json, show_table
from agentalk.domain.clock import Clock
from agentalk.domain.organization import Organization
from agentalk.operations import organizations
from agentalk.operations.organizations import NewOrganization
from agentalk.store.database import Database

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Create and list organizations, straight in the database."
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="A name for people.")],
    max_concurrency: Annotated[int | None, typer.Option(help="Live calls at most, over all its campaigns.")] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Create an organization, with a simulated carrier as its first."""
    draft = checked(NewOrganization, name=name, maxConcurrency=max_concurrency)

    async def work(database: Database) -> Organization:
        return await database.run(organizations.create, draft, Clock().now())

    organization = in_database(data_dir, work)
    if json:
        show_json(organization)
        return
    say(f"Created organization {organization.id}.")
    say(f"A token for it: agentalk tokens create --organization {organization.id}")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Pass over so many.")] = 0,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List organizations, newest first."""

    async def work(database: Database) -> tuple[list[Organization], int]:
        async with database.reading() as tx:
            return await organizations.page(tx, None, limit, offset)

    found, total = in_database(data_dir, work)
    if json:
        show_json({"data": found, "pagination": {"total": total, "limit": limit, "offset": offset}})
        return
    rows = [(one.id, one.name, one.max_concurrency, one.created_at) for one in found]
    show_table(
        ("ID", "NAME", "MAX CONCURRENCY", "CREATED"), rows, "No organizations yet: agentalk organizations create"
    )
