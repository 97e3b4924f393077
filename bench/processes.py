"""Programs under test, each a process of its own on a free loopback port, and the load that wrk puts on them."""

import os
import re
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_PATIENCE = 30.0
_PROGRAM = (sys.executable, "-c", "from agentalk.cli import main; main()")
# A simulator and those who believe it are told the same secret; who calls as fast as they can is not slowed down.
_TOLD = {"AGENTALK_SIMULATOR_SECRET": "bench", "AGENTALK_RATE_LIMIT": "0", "AGENTALK_LOG_LEVEL": "warning"}


class Load(msgspec.Struct, frozen=True):
    """What wrk measured: requests per second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


class Program:
    """A command of ours that stays, ready: it has said `until`. `url` is the first address that it named."""

    def __init__(self, *arguments: object, until: str, **environment: str) -> None:
        began = time.perf_counter()
        command = [*_PROGRAM, *map(str, arguments)]
        self._process = subprocess.Popen(command, env=_ours() | environment, stdout=subprocess.PIPE, bufsize=0)
        self.pid = self._process.pid
        self._said = b""
        self._wait_for(until)
        self.seconds_to_ready = time.perf_counter() - began

    @property
    def url(self) -> str:
        """Where it answers."""
        return _found(r"(http://[\w.:\[\]]+)", self._said.decode())

    @property
    def token(self) -> str:
        """The token that it showed."""
        return _found(r"AGENTALK_TOKEN=(\S+)", self._said.decode())

    def processor_seconds(self) -> float:
        """What it has used of the processor so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """SIGTERM, and wait."""
        self._process.terminate()
        self._process.wait(_PATIENCE)

    def _wait_for(self, word: str) -> None:
        out = self._process.stdout
        give_up = time.monotonic() + _PATIENCE
        while out and word.encode() not in self._said:
            ready, _, _ = select.select([out], [], [], max(0.0, give_up - time.monotonic()))
            more = os.read(out.fileno(), 65536) if ready else b""
            if not more:
                self._process.kill()
                raise SystemExit(f"{self._process.args!r} did not say {word!r}, but:\n{self._said.decode()}")
            self._said += more


def _ours() -> dict[str, str]:
    """The environment, without what would lead a program to somebody's own database."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("AGENTALK_", "DATABASE_URL"))}
    return kept | _TOLD


@contextmanager
def program(*arguments: object, until: str, **environment: str) -> Iterator[Program]:
    """One that is ended after use."""
    started = Program(*arguments, until=until, **environment)
    try:
        yield started
    finally:
        started.end()


@contextmanager
def api(dsn: str, carrier_url: str | None = None) -> Iterator[Program]:
    """`agentalk api` on the database, with the callbacks of the simulator at `carrier_url`."""
    carrier = ("--carrier-url", carrier_url) if carrier_url else ()
    with program("api", "--port", 0, *carrier, until="/docs", DATABASE_URL=dsn) as started:
        yield started


@contextmanager
def simulator(mix: str) -> Iterator[Program]:
    """`agentalk simulator`, without a ledger on disk. `mix` is JSON."""
    with program("simulator", "--port", 0, "--mix", mix, until="http://") as started:
        yield started


def start_dialer(dsn: str, carrier_url: str, api_url: str) -> Program:
    """`agentalk dialer` on the database; whoever starts it ends it."""
    urls = ("--carrier-url", carrier_url, "--public-url", api_url)
    return Program("dialer", *urls, until="is up", DATABASE_URL=dsn)


@contextmanager
def bare(dsn: str, org: str, digest: bytes) -> Iterator[str]:
    """`bench.bare` on the database, under the same server as the API; its URL."""
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--port", str(port), "--log-level", "warning"]
    command += ["--no-access-log", "--loop", "uvloop", "--http", "httptools"]
    environment = {"BARE_DSN": dsn, "BARE_ORG": org, "BARE_TOKEN": digest.hex()}
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        _until_it_answers(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def wrk(url: str, token: str, seconds: int = 4) -> Load:
    """Eight connections for some seconds."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("This benchmark needs wrk. On Debian and Ubuntu: apt install wrk")
    command = [program, "-t1", "-c8", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {token}", url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said:
        raise SystemExit(f"{url} answered with errors:\n{said}")
    rate = float(_found(r"Requests/sec:\s+([\d.]+)", said))
    return Load(rate, _latency("50%", said), _latency("99%", said))


def memory(pid: int, *, peak: bool = False) -> float:
    """A process's resident memory in MB, now or at its peak since `forget_peak`."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(_found(rf"{'VmHWM' if peak else 'VmRSS'}:\s+(\d+)", text)) / 1024


def forget_peak(pid: int) -> None:
    """Let the peak of a process's memory begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _until_it_answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended at once, with {process.returncode}.")
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise SystemExit(f"{process.args!r} did not answer within {_PATIENCE:.0f} s.")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"No {pattern} in:\n{text}")
    return match[1]


def _latency(share: str, text: str) -> float:
    match = re.search(rf"\s{share}\s+([\d.]+)(us|ms|s|m)\b", text)
    if match is None:
        raise SystemExit(f"No {share} in:\n{text}")
    return float(match[1]) * _SECONDS[match[2]] * 1000
