"""What is acknowledged is kept: across a restart in good order and across a kill."""

import os
import subprocess
import tempfile
import unittest

import grpc
from harness.line import LineClient
from harness.rpc import GrpcUser, pb
from harness.server import ServerTestCase
from harness.wait import SANITIZED, until


class DurableTestCase(ServerTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="txtchat-durable-")
        self.addCleanup(directory.cleanup)
        self.data_dir = os.path.join(directory.name, "data")
        self.server = self.start_server(*self.server_flags, data_dir=self.data_dir)

    def restart(self, kill=False):
        if kill:
            self.server.kill()
        else:
            self.server.stop()
        self.server = self.start_server(*self.server_flags, data_dir=self.data_dir)

    def user(self, name):
        return self.closing(GrpcUser(self.server.grpc_address, name))

    def back(self, user):
        """The same user, on a new connection."""
        return self.closing(user.again(self.server.grpc_address))


def position(channel, after, epoch=""):
    return pb.ChannelPosition(channel_id=channel, after_sequence=after, epoch=epoch)


class Restart(DurableTestCase):
    def check_everything_is_back(self, kill):
        alice = self.user("alice")
        channel = alice.create_channel("general")
        bob = self.user("bob")
        bob.join(channel)
        stream = bob.subscribe(channel)
        epoch = stream.events()[0].heartbeat.epoch
        self.assertEqual(16, len(epoch))
        sent = [alice.say(channel, f"text {i}", b"id %d" % i) for i in range(50)]
        stream.expect_texts(*[f"text {i}" for i in range(20)])
        stream.close()

        self.restart(kill)
        alice, bob = self.back(alice), self.back(bob)
        info = alice.call("GetChannel", pb.GetChannelRequest(channel_id=channel)).channel
        self.assertEqual(sent[-1].sequence, info.head_sequence)
        self.assertEqual(2, info.member_count)
        # Bob goes on behind the last one that he handled.
        stream = bob.resume(position(channel, sent[19].sequence, epoch))
        self.assertEqual(pb.Recovery.STATE_RECOVERED, stream.next_of("recovery").recovery.state)
        stream.expect_texts(*[f"text {i}" for i in range(20, 50)])
        # A send that is repeated, as its answer may have been lost, posts nothing.
        self.assertEqual(sent[49], alice.say(channel, "text 49", b"id 49"))
        after = alice.say(channel, "after", b"id 50")
        self.assertEqual(sent[-1].sequence + 1, after.sequence)
        stream.expect_texts("after")

    def test_in_good_order(self):
        self.check_everything_is_back(kill=False)

    def test_after_a_kill(self):
        self.check_everything_is_back(kill=True)

    def test_again_and_again(self):
        alice = self.user("alice")
        channel = alice.create_channel("general")
        for i in range(5):
            alice.say(channel, str(i))
            self.restart(kill=i % 2 == 0)
            alice = self.back(alice)
        stream = alice.resume(position(channel, 0))
        stream.expect_texts("0", "1", "2", "3", "4")

    def test_line_guests_end_with_the_server_and_that_is_told(self):
        alice = self.user("alice")
        channel = alice.create_channel("general")
        carol = self.closing(LineClient(self.server.line_address))
        carol.register("carol")
        carol.join(channel)
        self.restart(kill=True)
        alice = self.back(alice)
        stream = alice.resume(position(channel, 1))
        joined = stream.next_of("member_joined")
        left = stream.next_of("member_left")
        self.assertEqual("carol", joined.member_joined.user.display_name)
        self.assertEqual((3, "carol"), (left.sequence, left.member_left.user.display_name))
        info = alice.call("GetChannel", pb.GetChannelRequest(channel_id=channel)).channel
        self.assertEqual(1, info.member_count)

    def test_history_can_be_read_from_both_ends(self):
        alice = self.user("alice")
        channel = alice.create_channel("general")
        for i in range(30):
            alice.say(channel, str(i))
        self.restart()
        alice = self.back(alice)

        def texts(order_by):
            got, token = [], ""
            while True:
                page = alice.call(
                    "ListMessages",
                    pb.ListMessagesRequest(
                        channel_id=channel, page_size=7, page_token=token, order_by=order_by
                    ),
                )
                got += [message.text for message in page.messages]
                token = page.next_page_token
                if not token:
                    return got

        self.assertEqual([str(i) for i in range(30)], texts("sequence"))
        self.assertEqual([str(i) for i in reversed(range(30))], texts("sequence desc"))


class Away(DurableTestCase):
    # More is said at once than one peer may send otherwise.
    server_flags = ("--commands-per-connection=0", "--commands-per-user=0")
    MESSAGES = 2_000 if SANITIZED else 100_000

    def say_many(self, host, channel):
        """Sends MESSAGES numbered texts, a packet of many at a time, and reads each back: so live
        delivery goes on all the while."""
        step = 1_000
        for begin in range(0, self.MESSAGES, step):
            numbers = range(begin, begin + step)
            host.send_raw(b"".join(b"send_msg$-$%s$%d\n" % (channel.encode(), i) for i in numbers))
            host.expect(*[str(i) for i in numbers])

    def test_one_that_was_away_for_100000_messages_gets_them_all_in_order(self):
        host = self.closing(LineClient(self.server.line_address))
        host.register("host")
        channel = host.create_channel("general")
        alice = self.user("alice")
        alice.join(channel)
        host.expect(f"$$joined: {channel}")
        # One that stays connected and reads nothing, and one that has gone.
        lazy = self.closing(LineClient(self.server.line_address, receive_buffer=4096))
        lazy.register("lazy")
        lazy.join(channel)
        host.expect(f"$$joined: {channel}")
        head = alice.call("GetChannel", pb.GetChannelRequest(channel_id=channel)).channel
        self.say_many(host, channel)
        stream = alice.resume(position(channel, head.head_sequence))
        for i in range(self.MESSAGES):
            event = stream.next_of("message_posted")
            self.assertEqual(
                (head.head_sequence + 1 + i, str(i)), (event.sequence, event.message_posted.text)
            )
        lazy.expect(*[str(i) for i in range(self.MESSAGES)])
        host.say(channel, "after")
        host.expect("after")
        lazy.expect("after")
        stream.expect_texts("after")


class Retention(DurableTestCase):
    server_flags = ("--retention-events=10",)

    def setUp(self):
        super().setUp()
        self.server.stop()
        self.server = self.start_server(*self.server_flags, data_dir=self.data_dir)

    def test_what_was_dropped_is_a_gap_for_who_comes_back(self):
        alice = self.user("alice")
        channel = alice.create_channel("general")
        for i in range(2, 32):
            alice.say(channel, str(i))

        def oldest():
            request = pb.ListMessagesRequest(channel_id=channel, page_size=1)
            return alice.call("ListMessages", request).messages[0].sequence

        until(lambda: oldest() == 22, "trim to the newest 10 events")
        stream = alice.resume(position(channel, 5))
        recovery = stream.next_of("recovery").recovery
        self.assertEqual(
            (pb.Recovery.STATE_GAP, 6, 21),
            (recovery.state, recovery.from_sequence, recovery.to_sequence),
        )
        stream.expect_texts(*[str(i) for i in range(22, 32)])
        self.assertEqual(32, alice.say(channel, "32").sequence)


class DataDirectory(DurableTestCase):
    def refusal(self, *flags):
        """Starts a second server on the directory, which must not start; what it says."""
        process = subprocess.run(
            [
                os.environ["TXTCHATD"],
                "--line-listen=127.0.0.1:0",
                "--grpc-listen=127.0.0.1:0",
                f"--data-dir={self.data_dir}",
                *flags,
            ],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
        self.assertEqual(1, process.returncode)
        return process.stderr.decode()

    def test_belongs_to_one_server(self):
        self.assertIn("cannot start", self.refusal())
        self.assertTrue(self.server.alive())

    def test_is_nobody_elses_business(self):
        self.assertEqual(0o700, os.stat(self.data_dir).st_mode & 0o777)
        self.assertEqual(0o600, os.stat(os.path.join(self.data_dir, "txtchat.db")).st_mode & 0o777)

    def test_a_damaged_file_is_refused_with_words(self):
        alice = self.user("alice")
        alice.create_channel("general")
        self.server.stop()
        path = os.path.join(self.data_dir, "txtchat.db")
        with open(path, "r+b") as file:
            file.write(b"this is no database" * 10)
        said = self.refusal()
        self.assertIn("txtchat.db", said)
        self.server = self.start_server("--store=memory")

    def test_guests_that_come_and_go_leave_nothing_behind(self):
        def size():
            names = os.listdir(self.data_dir)
            return sum(os.stat(os.path.join(self.data_dir, name)).st_size for name in names)

        before = size()
        for _ in range(20):
            crowd = [LineClient(self.server.line_address) for i in range(100)]
            for guest in crowd:
                guest.register("guest")
            for guest in crowd:
                guest.send("quit")
                guest.expect("$$bye: quit")
                guest.close()
        self.assertEqual(before, size())


class Health(DurableTestCase):
    def test_tells_the_durability_and_that_the_store_works(self):
        channel = grpc.insecure_channel(self.server.grpc_address)
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=lambda service: b"\x0a" + bytes([len(service)]) + service,
            response_deserializer=lambda answer: answer,
        )
        serving = b"\x08\x01"
        self.assertEqual(serving, check(b"txtchat.store", timeout=60))
        self.assertEqual(serving, check(b"txtchat.durability.full", timeout=60))
        with self.assertRaises(grpc.RpcError) as unknown:
            check(b"txtchat.durability.normal", timeout=60)
        self.assertEqual(grpc.StatusCode.NOT_FOUND, unknown.exception.code())
        channel.close()


if __name__ == "__main__":
    unittest.main()
