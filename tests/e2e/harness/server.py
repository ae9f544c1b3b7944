"""The real txtchatd: started on free ports, watched through its log, stopped, checked."""

import json
import os
import resource
import signal
import subprocess
import tempfile
import threading
import unittest

from .wait import DEADLINE_S, Deadline

SANITIZER_MARKS = (
    "ERROR: AddressSanitizer",
    "ERROR: LeakSanitizer",
    "WARNING: ThreadSanitizer",
    "FATAL: ThreadSanitizer",
    "runtime error:",
)


def _address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def limit_files(count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


class Server:
    """One server process, with a data directory of its own that goes with it unless one is given.
    Its log is read as it comes, so that it never blocks on it."""

    def __init__(self, *flags, data_dir=None, files_max=None, transports=("line", "grpc")):
        """`files_max`: how many files it may open. `transports`: which it is waited for to serve."""
        self._own_data = None if data_dir else tempfile.TemporaryDirectory(prefix="txtchat-e2e-")
        self.data_dir = data_dir or self._own_data.name
        command = [
            os.environ["TXTCHATD"],
            "--line-listen=127.0.0.1:0",
            "--grpc-listen=127.0.0.1:0",
            "--log-format=json",
            f"--data-dir={self.data_dir}",
            *flags,
        ]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TXTCHAT_")}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            preexec_fn=files_max and (lambda: limit_files(files_max)),
        )
        self.log = []  # Lines as they came; guarded by _changed.
        self._changed = threading.Condition()
        self._log_ended = False
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        addresses = {each: self._listening(each)["address"] for each in transports}
        if "line" in addresses:
            self.line_address = _address(addresses["line"])
        self.grpc_address = addresses.get("grpc")

    def _read_log(self):
        for line in self.process.stderr:
            with self._changed:
                self.log.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._log_ended = True
            self._changed.notify_all()

    def _listening(self, transport):
        return self.wait_for_event("listening", transport=transport)

    def events(self):
        """The log lines that are JSON, as dicts."""
        with self._changed:
            lines = list(self.log)
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                pass  # A sanitizer's report; stop() finds it.
        return found

    def wait_for_event(self, event, **fields):
        """The first log line of this event with these fields."""
        deadline = Deadline()
        wanted = {"event": event, **fields}
        while True:
            with self._changed:
                seen = len(self.log)
                ended = self._log_ended
            for entry in self.events():
                if wanted.items() <= entry.items():
                    return entry
            if ended or deadline.over():
                raise AssertionError(f"the server did not log {wanted}:\n{self.log_text()}")
            with self._changed:
                if len(self.log) == seen and not self._log_ended:
                    self._changed.wait(deadline.left())

    def log_text(self):
        with self._changed:
            return "\n".join(self.log)

    def alive(self):
        return self.process.poll() is None

    def status_kib(self, field):
        """A figure of /proc/PID/status, such as VmHWM, in KiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise AssertionError(f"no {field} in /proc/{self.process.pid}/status")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def forget_peak(self):
        """Has VmHWM count from now on; answers it, in KiB. Where the system cannot do that, growth
        counts from the highest until now."""
        try:
            with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="ascii") as clear_refs:
                clear_refs.write("5")
        except OSError:
            pass
        return self.status_kib("VmHWM")

    def kill(self):
        """SIGKILL: as if the machine had stopped, but for what the kernel still writes."""
        self.process.kill()
        self.wait_for_exit()

    def terminate(self):
        """Asks it to drain, without waiting."""
        self.process.send_signal(signal.SIGTERM)

    def wait_for_exit(self):
        """Its exit code, once it has stopped and its log was checked for sanitizer reports."""
        try:
            code = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not stop:\n{self.log_text()}") from None
        self._reader.join(DEADLINE_S)
        self.process.stderr.close()
        if self._own_data is not None:
            self._own_data.cleanup()
        report = [mark for mark in SANITIZER_MARKS if mark in self.log_text()]
        if report:
            raise AssertionError(f"a sanitizer reports {report}:\n{self.log_text()}")
        return code

    def stop(self):
        """SIGTERM; it must have delivered everything and say so by its exit code."""
        if self.process.stderr.closed:
            return  # The test stopped it itself.
        if not self.alive():
            code = self.wait_for_exit()
            raise AssertionError(f"the server ended by itself with {code}:\n{self.log_text()}")
        self.terminate()
        code = self.wait_for_exit()
        if code != 0:
            raise AssertionError(f"the server stopped with {code}:\n{self.log_text()}")


class ServerTestCase(unittest.TestCase):
    """A server for each test, with `server_flags`. Clients that were made through this class are
    closed before the server is stopped, and the server must then stop with 0."""

    server_flags = ()
    maxDiff = None

    def setUp(self):
        self.server = self.start_server(*self.server_flags)

    def start_server(self, *flags, **how):
        server = Server(*flags, **how)
        self.addCleanup(server.stop)
        return server

    def closing(self, client):
        """Closes it at the end of the test, before what was made earlier."""
        self.addCleanup(client.close)
        return client
