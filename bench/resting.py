"""A process that has nothing to do: how soon it is ready, and how much memory it holds."""

import os
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.processes import Program, memory
from bench.report import Figure

ROUNDS = 5
# Until what a start leaves behind is put away.
_SETTLE_SECONDS = 3.0


async def run(rounds: int = ROUNDS) -> list[Figure]:
    """`agentalk serve` with a PostgreSQL of its own: the first start, then `rounds` warm ones."""
    with tempfile.TemporaryDirectory(prefix="agentalk-bench-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103 - as root the server runs as another user
        first, _ = _serve(Path(folder) / "data")
        warm = [_serve(Path(folder) / "data") for _ in range(rounds)]
    return [
        Figure(
            f"start of everything in one process, warm, {rounds} times",
            f"{median(seconds for seconds, _ in warm):.2f} s to ready",
            f"the first, which makes the database: {first:.2f} s",
            "",
            "≤ 1.5 s",
        ),
        Figure(
            "memory of all roles in one process, idle",
            f"{median(held for _, held in warm):.0f} MB",
            "",
            "",
            "≤ 120 MB, embedded PostgreSQL aside",
        ),
    ]


def _serve(data: Path) -> tuple[float, float]:
    """Seconds to ready, and memory in MB after a while without anything to do."""
    server = Program("serve", "--port", 0, "--data-dir", data, "--json", until="embedded")
    try:
        time.sleep(_SETTLE_SECONDS)
        return server.seconds_to_ready, memory(server.pid)
    finally:
        server.end()
