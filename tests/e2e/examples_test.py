"""The example clients of the README, as it tells people to run them, chatting with each other; and
the Python that it shows."""

import os
import pathlib
import re
import subprocess
import unittest

from harness.server import ServerTestCase
from harness.wait import DEADLINE_S

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = ROOT / "examples" / "python" / "chat.py"
COMMANDS = {
    "C++": [os.environ["TXTCHAT_EXAMPLE_CPP"]],
    "Python": ["/usr/bin/python3", str(PYTHON)],
}


class Examples(ServerTestCase):
    def start(self, language, *arguments):
        return self.run_command(*COMMANDS[language], self.server.grpc_address, *arguments)

    def run_command(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def chat(self, first_language, second_language):
        first = self.start(first_language, "ann", "2")
        channel = first.stdout.readline()
        self.assertRegex(channel, r"^channel [0-9a-f]{10}\n$")
        self.assertEqual("ann: hello from ann\n", first.stdout.readline())
        second = self.start(second_language, "ben", "1", channel.split()[1])
        heard = second.communicate(timeout=DEADLINE_S)[0]
        self.assertEqual(f"{channel}ben: hello from ben\n", heard)
        self.assertEqual("ben: hello from ben\n", first.communicate(timeout=DEADLINE_S)[0])
        self.assertEqual((0, 0), (first.returncode, second.returncode))

    def test_cpp_hears_python(self):
        self.chat("C++", "Python")

    def test_python_hears_cpp(self):
        self.chat("Python", "C++")

    def test_the_readme_shows_python_that_works(self):
        blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
        self.assertEqual(1, len(blocks))
        self.assertIn("127.0.0.1:50051", blocks[0])
        imports = "import grpc\nfrom txtchat.v1 import chat_pb2, chat_pb2_grpc\n"
        code = imports + blocks[0].replace("127.0.0.1:50051", self.server.grpc_address)
        output = self.run_command("/usr/bin/python3", "-u", "-c", code).stdout
        shown = ""
        while (line := output.readline()) and "text:" not in line:
            shown += line
        self.assertEqual('  text: "hello"\n', line, shown)

    def test_they_say_how_they_are_used(self):
        for language, command in COMMANDS.items():
            with self.subTest(language):
                done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
                self.assertIn("HOST:PORT NAME COUNT [CHANNEL]", done.stderr)
                self.assertNotEqual(0, done.returncode)


if __name__ == "__main__":
    unittest.main()
