"""A program on pipes: what it is told, what it prints, how it ends."""

import os
import signal
import subprocess
import threading

from .wait import DEADLINE_S


class Lines:
    """The lines of one pipe, read as they come, so that the program never blocks on it."""

    def __init__(self, pipe):
        self._pipe = pipe
        self._changed = threading.Condition()
        self._lines = []  # Guarded by _changed, as are the next two.
        self._next = 0
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._pipe:
            with self._changed:
                self._lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def all(self):
        """What came until now."""
        with self._changed:
            return list(self._lines)

    def next(self):
        """The next line."""
        return self.next_with("")

    def next_with(self, part):
        """The next line that holds `part`; those before it are skipped."""
        with self._changed:
            while True:
                more = lambda: self._next < len(self._lines) or self._ended
                if not self._changed.wait_for(more, DEADLINE_S) or self._next == len(self._lines):
                    raise AssertionError(f"no further line with {part!r} came: {self._lines}")
                self._next += 1
                if part in self._lines[self._next - 1]:
                    return self._lines[self._next - 1]

    def wait_for_any(self):
        """Waits for a line without taking it."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._ended, DEADLINE_S)

    def wait_for_end(self):
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended, DEADLINE_S):
                raise AssertionError(f"the output did not end: {self._lines}")


class Process:
    """Runs the command. Nothing of ours is in its environment, so that only its arguments count."""

    def __init__(self, *command):
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={k: v for k, v in os.environ.items() if not k.startswith("TXTCHAT")},
        )
        self.out = Lines(self._process.stdout)
        self.err = Lines(self._process.stderr)

    def type(self, line):
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def end_input(self):
        self._process.stdin.close()

    def interrupt(self):
        """What Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def exit_code(self):
        """Waits for its end; all of its output is there afterwards."""
        try:
            code = self._process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            said = f"{self.out.all()}, {self.err.all()}"
            raise AssertionError(f"{self._process.args} did not end; it said {said}") from None
        self.out.wait_for_end()
        self.err.wait_for_end()
        return code

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
        self.exit_code()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            pipe.close()
