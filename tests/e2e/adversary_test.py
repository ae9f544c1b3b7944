"""Everybody tries everything: each call and each command, in each kind of channel, in each role.
What they are answered is what docs/security.md says; its tables are read here."""

import pathlib
import re
import tempfile
import unittest

from harness import jwt
from harness.attempts import OF_CHANNELS, OF_ONESELF, READING
from harness.people import METHODS, SERVICES, Answer
from harness.security_table import IDENTITIES, SecurityTable
from harness.server import Server, ServerTestCase
from harness.wait import DEADLINE_S
from harness.world import KINDS, NOWHERE, ROLES_OF, People, World

SECRET = b"a secret of 32 bytes or some more"
CODES = {
    "yes": "ok",
    "no": "permission_denied",
    "out": "unauthenticated",
    "cannot": "failed_precondition",
    "none": "not_found",
    "absent": "not_found",
}
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
LIST_SERVICES = b"\x3a\x01*"


class Adversary(ServerTestCase):
    """One server for all: the tests of this file change nothing that another looks at."""

    @classmethod
    def setUpClass(cls):
        cls.table = SecurityTable()
        cls.directory = tempfile.TemporaryDirectory(prefix="txtchat-keys-")
        keys = pathlib.Path(cls.directory.name) / "keys.json"
        keys.write_text(jwt.key_set(SECRET), encoding="ascii")
        cls.shared = Server(
            f"--jwt-keys={keys}",
            "--store=memory",
            "--line-plain-login=true",
            "--password-memory-bytes=8388608",
            "--commands-per-connection=0",
            "--commands-per-user=0",
            "--creations-per-user=0",
            "--strikes-per-connection=0",
            "--bytes-per-connection=0",
        )

    @classmethod
    def tearDownClass(cls):
        cls.shared.stop()
        cls.directory.cleanup()

    def setUp(self):
        self.server = self.shared
        self.people = self.closing(People(self.server, SECRET))


class EveryCallAndCommand(Adversary):
    """Nothing can be added without a word on who may."""

    def test_has_its_row(self):
        self.assertEqual(set(METHODS), self.table.calls())
        helped = self.people.make("nobody", "line").must("help")
        commands = {re.match(r"\$\$help: (\w+)", line)[1] for line in helped}
        self.assertEqual(commands, self.table.commands())

    def test_is_tried(self):
        for rows, attempts in (
            (self.table.of_channels, OF_CHANNELS),
            (self.table.of_oneself, OF_ONESELF),
        ):
            told = {(row.act, name) for row in rows for name in row.calls + row.commands}
            self.assertEqual(told, set(attempts))

    def test_is_of_a_service_that_is_looked_at(self):
        call = self.people.channel.stream_stream(REFLECTION)
        answer = next(call(iter([LIST_SERVICES]), timeout=DEADLINE_S, wait_for_ready=True))
        served = set(re.findall(rb"txtchat[.\w]+", answer))
        self.assertEqual({service.full_name.encode() for service in SERVICES}, served)


class TestsThatAreNamed(unittest.TestCase):
    def test_are_there(self):
        tests = pathlib.Path(__file__).resolve().parents[1]
        of_gtest = "".join(path.read_text("utf-8") for path in tests.rglob("*_test.cc"))
        for cell in SecurityTable().shown_by:
            for name in re.findall(r"`E2e\.(\w+)`", cell):
                self.assertTrue((tests / "e2e" / f"{name}.py").exists(), name)
            for name, part in re.findall(r"`E2e\.(\w+)` (\w+)", cell):
                self.assertIn(f"class {part}(", (tests / "e2e" / f"{name}.py").read_text("utf-8"))
            for suite, name in re.findall(r"`(?!E2e)([A-Z]\w+)(?:\.(\w+))?`", cell):
                test = rf"TEST(_F|_P)?\(\s*{suite}\w*,\s*{name or ''}"
                self.assertRegex(of_gtest, test, cell)
            for path in re.findall(r"`tests/([^`]+)`", cell):
                self.assertTrue((tests / path).exists(), path)


class InChannels(Adversary):
    def walk(self, kind, transport):
        """Each act, by each call or command, by each role: what is not as documented."""
        strangers = [self.people.make(who, transport) for who in ("guest", "account", "vouched")]
        elsewhere = World(self.people, [], "public", transport)
        strangers.append(elsewhere.owner)
        new_world = lambda: World(self.people, strangers, kind, transport)
        world, wrong = new_world(), []
        for row in self.table.of_channels:
            for name in row.calls if transport == "grpc" else row.commands:
                for role in ROLES_OF[kind]:
                    expected = self.table.answer(row, role, kind)
                    for nth in range(len(world.of_role[role])):
                        person = world.of_role[role][nth]
                        answer = world.attempt(person, row.act, name)
                        who = f"{role} {nth}: {row.act} ({name})"
                        if answer.code != CODES[expected]:
                            wrong.append(f"{who}: not {expected} but {answer}")
                        if expected == "absent":
                            wrong += self.tell_apart(world, person, row.act, name, answer)
                        if answer.code == "ok" and name not in READING:
                            world = new_world()
        return wrong

    def tell_apart(self, world, person, act, name, answer):
        """Whether the channel gets other words than one that never was."""
        never = world.attempt(person, act, name, channel=NOWHERE)
        words = answer.words.replace(world.aim.channel, NOWHERE)
        if (answer.code, words) == (never.code, never.words):
            return []
        return [f"{act} ({name}) tells apart: {answer}; {never}"]


def _add_walks():
    for kind in KINDS:
        for transport in ("grpc", "line"):

            def test(self, kind=kind, transport=transport):
                self.assertEqual([], self.walk(kind, transport))

            setattr(InChannels, f"test_{kind}_over_{transport}", test)


_add_walks()


class OfOneself(Adversary):
    def setUp(self):
        super().setUp()
        self.another = self.people.make("account", "grpc")
        tokens = self.another.must("ListTokens").tokens
        self.filling = {"another": self.another.id, "token_of_another": tokens[0].id}

    def answer(self, identity, transport, act, name, n):
        person = self.people.make(identity, transport)
        attempt = OF_ONESELF[act, name]
        fill = lambda text: text.format(n=n, **self.filling) if "{" in text else text
        if transport == "grpc":
            return person.try_call(name, **{k: fill(v) for k, v in attempt.items()})
        if name == "quit":
            person.line.send("quit")
            self.assertEqual([b"$$bye: quit"], person.line.rest()[-1:])
            return Answer("ok")
        return person.try_line(fill(attempt))

    def walk(self, transport):
        wrong, n = [], 0
        for row in self.table.of_oneself:
            for name in row.calls if transport == "grpc" else row.commands:
                for identity in IDENTITIES:
                    n += 1
                    expected = row.answers[identity]
                    answer = self.answer(identity, transport, row.act, name, n)
                    if answer.code != CODES[expected]:
                        wrong.append(f"{identity}: {row.act} ({name}): not {expected} but {answer}")
        return wrong

    def test_over_grpc(self):
        self.assertEqual([], self.walk("grpc"))

    def test_over_line(self):
        self.assertEqual([], self.walk("line"))


if __name__ == "__main__":
    unittest.main()
