"""The server that is killed: its process, its log, its end."""

import json
import os
import signal
import subprocess
import time

from harness.server import SANITIZER_MARKS
from harness.wait import DEADLINE_S, Deadline
from ledger import Failure

LOGS_KEPT = 20


class Victim:
    """One process on the data directory. `disk`: none for a good one; else the environment of the
    program whose disk loses power."""

    def __init__(self, directory, number, flags, disk=None):
        self.number = number
        self._log_path = os.path.join(directory, f"server-{number:04d}.log")
        stale = os.path.join(directory, f"server-{number - LOGS_KEPT:04d}.log")
        if os.path.exists(stale):
            os.remove(stale)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TXTCHAT")}
        environment |= disk or {}
        self.started = time.monotonic()
        with open(self._log_path, "wb") as log:
            self._process = subprocess.Popen(
                [
                    os.environ["TXTCHATD" if disk is None else "TXTCHATD_POWER_LOSS"],
                    "--line-listen=127.0.0.1:0",
                    "--grpc-listen=127.0.0.1:0",
                    "--log-format=json",
                    "--commands-per-connection=0",
                    "--commands-per-user=0", "--bytes-per-user=0", "--creations-per-user=0",
                    f"--data-dir={os.path.join(directory, 'data')}",
                    *flags,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )

    def log_text(self):
        with open(self._log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def _addresses(self):
        found = {}
        for line in self.log_text().splitlines(keepends=True):
            if line.startswith("{") and line.endswith("}\n"):
                entry = json.loads(line)
                if entry.get("event") == "listening":
                    found[entry["transport"]] = entry["address"]
        return found

    def wait_until_it_serves(self):
        """Answers the addresses of both transports: line as (host, port), gRPC as text."""
        deadline = Deadline()
        while True:
            # Asked first, so that what it logged before its end is there to be read.
            ended = self._process.poll() is not None
            found = self._addresses()
            if len(found) == 2:
                host, port = found["line"].rsplit(":", 1)
                return (host, int(port)), found["grpc"]
            if ended:
                raise Failure(
                    f"the server should start again, but ends with {self._process.returncode}:\n"
                    f"{self.log_text()}"
                )
            if deadline.over():
                raise Failure(f"the server does not start:\n{self.log_text()}")
            time.sleep(0.002)

    def alive(self):
        return self._process.poll() is None

    def terminate(self):
        self._process.send_signal(signal.SIGTERM)

    def kill(self, or_ended_well=False):
        """SIGKILL; it must not have ended by itself, unless it was asked to."""
        self._process.kill()
        code = self._wait()
        if code != -signal.SIGKILL and not (or_ended_well and code == 0):
            raise Failure(f"the server ended by itself with {code}:\n{self.log_text()}")

    def stop(self):
        """SIGTERM, and the good end of a drain."""
        self.terminate()
        code = self._wait()
        if code != 0:
            raise Failure(f"the server stopped with {code}:\n{self.log_text()}")

    def abandon(self):
        """After a failure. Answers what is to be said of its end, if it has ended badly before."""
        if self.alive():
            self._process.kill()
        code = self._process.wait()
        if code in (0, -signal.SIGKILL):
            return ""
        return f"\nthe server has ended with {code}; its log:\n{self.log_text()}"

    def _wait(self):
        try:
            code = self._process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"the server does not end:\n{self.log_text()}") from None
        log = self.log_text()
        report = [mark for mark in SANITIZER_MARKS if mark in log]
        if report:
            raise Failure(f"a sanitizer reports {report}:\n{log}")
        return code
