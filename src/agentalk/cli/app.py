"""The `agentalk` program: its commands, loaded when they are asked for, and the one place where errors end."""

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from agentalk import __version__
from agentalk.cli.exits import MEANINGS, Exit, Failure
from agentalk.cli.output import complain
from agentalk.settings import BadSetting

# name → (panel, summary); the command itself is `app` in the module of its name.
COMMANDS = {
    "demo": ("Start here", "Watch a campaign from a CSV file being called to its end on a simulated carrier."),
    "serve": ("Run", "Run everything in one process: the API, the engine, and a database if you have none."),
    "api": ("Run", "Run the HTTP API alone, over a shared database; any number of them."),
    "dialer": ("Run", "Run the engine alone, over a shared database; any number of them."),
    "simulator": ("Run", "Run the simulated carrier as a process of its own."),
    "contacts": ("Use", "Import and list contacts."),
    "agents": ("Use", "Create and list agents: what speaks on a call."),
    "campaigns": ("Use", "Create, preview, start, pause, stop and watch campaigns."),
    "explain": ("Use", "Say why a contact is called or not, and when a call may go out."),
    "do-not-call": ("Use", "Keep numbers from being called: lists, registries, opt-outs."),
    "organizations": ("Operate", "Create organizations, straight in the database."),
    "tokens": ("Operate", "Create, list and revoke tokens, straight in the database."),
    "db": ("Operate", "Migrate, back up, restore and purge the database."),
}
EPILOG = "\n".join(
    (
        "[bold]Environment[/]",
        "AGENTALK_URL, AGENTALK_TOKEN: the server for contacts, agents, campaigns, explain, do-not-call",
        "DATABASE_URL or AGENTALK_DATA_DIR: the database for everything else",
        "AGENTALK_RATE_LIMIT, AGENTALK_LOG_LEVEL, AGENTALK_LOG_FORMAT,"
        " AGENTALK_SIMULATOR_URL, AGENTALK_SIMULATOR_SECRET",
        "",
        "[bold]Exit codes[/]",
        *(f"{code.value:>3}  {meaning}" for code, meaning in MEANINGS.items()),
    )
)


class LazyGroup(TyperGroup):
    """Knows its commands by name and summary, and imports one only to run it: none pays for another's libraries."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that `args` begin with, and the rest of them."""
        name, _, rest = super().resolve_command(ctx, args)
        # In what is being loaded there is no garbage; looking for it takes a tenth of the time.
        gc.disable()
        try:
            module = import_module(f"agentalk.cli.{(name or '').replace('-', '_')}")
        finally:
            gc.enable()
        return name, typer.main.get_command(module.app), rest


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Outbound phone campaigns by AI voice agents, on your own machines.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"agentalk {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options before any command."""


def _placeholder() -> None:
    """Stands for a command in the list; `LazyGroup` puts the real one in its place."""


for _name, (_panel, _summary) in COMMANDS.items():
    app.command(_name, help=_summary, rich_help_panel=_panel)(_placeholder)


def main() -> None:
    """Run the program with this process's arguments and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code. Whatever goes wrong is one sentence on stderr."""
    try:
        code = app(list(arguments), prog_name="agentalk", standalone_mode=False)
    except typer.TyperException as error:
        # An empty message: the help was shown instead.
        if error.format_message():
            complain(error.format_message())
        return error.exit_code
    except Failure as error:
        complain(str(error))
        return error.exit
    except BadSetting as error:
        complain(str(error))
        return Exit.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except OSError as error:
        complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
        return Exit.REFUSED
    except Exception as error:  # noqa: BLE001 - the last resort: a person reads this
        return _bug(error)
    return code if isinstance(code, int) else Exit.DONE


def _bug(error: Exception) -> Exit:
    if os.environ.get("AGENTALK_LOG_LEVEL", "").lower() == "debug":
        traceback.print_exception(error)
    complain(
        f"This is a bug in Agentalk: {type(error).__name__}: {error}."
        " With AGENTALK_LOG_LEVEL=debug it says where; please report it."
    )
    return Exit.BUG
