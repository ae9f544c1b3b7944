"""The servers of the table: a fresh one for each run, on a core of its own, with bounded waits."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass

from .rows import STORES

READY_SECONDS_MAX = 30
STOP_SECONDS_MAX = 20
PEERS = {"nats": "nats-server", "redis": "redis-server"}


class ServerFailed(Exception):
    """It did not start; the text is the end of what it said."""


@dataclass(frozen=True)
class Running:
    pid: int
    addresses: dict[str, str]  # By transport: line, grpc.


def pinned(core, command):
    return command if core is None else ["taskset", "-c", str(core), *command]


def which(program):
    """Debian puts servers where a user's PATH does not look."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def txtchatd_ready(log):
    addresses = {}
    for line in log.splitlines():
        with contextlib.suppress(ValueError):  # A line that is not yet whole.
            entry = json.loads(line)
            if entry.get("event") == "listening":
                addresses[entry["transport"]] = entry["address"]
    return addresses if len(addresses) == 2 else None


def floor_ready(log):
    said = re.search(r"^listening on (\S+)\n", log, re.MULTILINE)
    return said and {"line": said[1]}


def naive_ready(log):
    grpc = re.search(r"^listening on (\S+)\n", log, re.MULTILINE)
    lines = re.search(r"^lines on (\S+)\n", log, re.MULTILINE)
    return grpc and lines and {"grpc": grpc[1], "line": lines[1]}


# What one peer may send at once is less than what is to be measured.
UNLIMITED = ("--commands-per-connection=0", "--bytes-per-connection=0", "--commands-per-user=0",
             "--bytes-per-user=0", "--creations-per-user=0")


class Servers:
    """Knows the programs. `data_dir`: where the durable stores go, one directory for each run."""

    def __init__(self, txtchatd, bench, core, data_dir):
        self.txtchatd = txtchatd
        self.bench = bench
        self.core = core
        self.data_dir = pathlib.Path(data_dir)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.peers = {name: which(program) for name, program in PEERS.items()}

    def missing(self):
        """The contenders that are not installed."""
        return [name for name, path in self.peers.items() if path is None]

    def versions(self):
        """What is measured with what, by program."""
        commands = {
            "txtchatd": [self.txtchatd, "--version"],
            "commit": ["git", "describe", "--always", "--dirty"],
            "gRPC": ["pkg-config", "--modversion", "grpc++"],
        }
        commands |= {PEERS[name]: [path, "--version"] for name, path in self.peers.items() if path}
        return {name: said for name, command in commands.items() if (said := version(command))}

    @contextlib.contextmanager
    def running(self, contender, flags):
        """A fresh server of the contender; `flags` are for txtchatd."""
        with tempfile.TemporaryDirectory(prefix="bench-", dir=self.data_dir) as directory:
            command, ready = self.command(contender, flags, directory)
            log = pathlib.Path(directory, "log")
            with started(pinned(self.core, command), log, ready) as server:
                yield server

    def command(self, contender, flags, directory):
        if contender == "floor":
            return [self.bench, "floor", "--listen=127.0.0.1:0"], floor_ready
        if contender == "naive":
            listen = ["--listen=127.0.0.1:0", "--publish-listen=127.0.0.1:0"]
            return [self.bench, "naive", *listen], naive_ready
        if contender in PEERS:
            return self.peer_command(contender)
        listen = ["--line-listen=127.0.0.1:0", "--grpc-listen=127.0.0.1:0", "--log-format=json"]
        words = [*listen, *UNLIMITED, *store_flags(contender, directory), *flags]
        return [self.txtchatd, *words], txtchatd_ready

    def peer_command(self, contender):
        port = str(free_port())
        addresses = {"line": f"127.0.0.1:{port}"}
        program = self.peers[contender]
        if contender == "nats":
            return [program, "-a", "127.0.0.1", "-p", port], said("Server is ready", addresses)
        options = ["--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"]
        options += ["--maxclients", "20000", "--client-output-buffer-limit", "pubsub 0 0 0"]
        return [program, *options], said("eady to accept connections", addresses)


def said(words, addresses):
    return lambda log: addresses if words in log else None


def store_flags(contender, directory):
    store = STORES[contender]
    if store == "memory":
        return ["--store=memory"]
    return [f"--data-dir={directory}/data", f"--durability={store}"]


def version(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\S+)", done.stdout)  # Redis server v=7.0.15 sha=…
    return found[1] if found else done.stdout.strip().split()[-1]


@contextlib.contextmanager
def started(command, log, ready):
    """Runs it until the block ends; what it says goes into the file, never into a full pipe."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TXTCHAT_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=environment,
        )
    try:
        yield Running(process.pid, addresses_when_ready(process, log, ready))
    finally:
        stop(process)


def addresses_when_ready(process, log, ready):
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        text = log.read_text(encoding="utf-8", errors="replace")
        if not ended and (addresses := ready(text)):
            return addresses
        if ended:
            raise ServerFailed(f"the server ended with {process.returncode}: {last_words(text)}")
        time.sleep(0.01)
    raise ServerFailed(f"the server was not ready in {READY_SECONDS_MAX} s: {last_words(text)}")


def last_words(log):
    return "; ".join(log[-500:].split("\n")).strip("; ")


def stop(process):
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
