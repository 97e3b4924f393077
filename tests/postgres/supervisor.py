"""A process that supervises a server until its stdin closes: `python supervisor.py DATA_DIR` prints the DSN."""

import asyncio
import sys
from pathlib import Path

from agentalk.postgres import EmbeddedPostgres, PostgresError


async def main() -> None:
    postgres = EmbeddedPostgres(Path(sys.argv[1]))
    try:
        sys.stdout.write(await postgres.start() + "\n")
        sys.stdout.flush()
    except PostgresError as error:
        sys.exit(str(error))
    await asyncio.to_thread(sys.stdin.read)
    await postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())
