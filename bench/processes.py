"""Servers under test, each a process of its own on a free loopback port, and the load that wrk puts on them."""

import os
import re
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


class Load(msgspec.Struct, frozen=True):
    """What wrk measured: requests per second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


@contextmanager
def api(dsn: str) -> Iterator[tuple[str, int]]:
    """`agentalk api` on the database; its URL and process id."""
    port = _free_port()
    command = [sys.executable, "-c", "from agentalk.cli import main; main()", "api", "--port", str(port)]
    with _process(command, {"DATABASE_URL": dsn, "AGENTALK_RATE_LIMIT": "0"}, port) as pid:
        yield f"http://127.0.0.1:{port}", pid


@contextmanager
def bare(dsn: str, org: str, digest: bytes) -> Iterator[str]:
    """`bench.bare` on the database, under the same server; its URL."""
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--port", str(port), "--log-level", "warning"]
    command += ["--no-access-log", "--loop", "uvloop", "--http", "httptools"]
    with _process(command, {"BARE_DSN": dsn, "BARE_ORG": org, "BARE_TOKEN": digest.hex()}, port):
        yield f"http://127.0.0.1:{port}"


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


@contextmanager
def _process(command: list[str], environment: dict[str, str], port: int) -> Iterator[int]:
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended at once, with {process.returncode}.")
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise SystemExit(f"{process.args!r} did not answer within 30 s.")


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
