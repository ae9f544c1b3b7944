"""One life of a data directory: the server is started and killed again and again under load."""

import collections
import dataclasses
import os
import random
import time
import traceback

from harness.wait import DEADLINE_S, Deadline
from ledger import Failure
from readers import Auditor, GrpcReader, LineReader
from senders import ClassicSender, GrpcSender, LineSender
from verdict import check_a_copy, judge_by_calls, judge_database
from victim import Victim
from wanderers import Founder, Guests
from world import NewUser, Run, World

CHANNELS = 3
RETENTION_EVENTS = 300


@dataclasses.dataclass(frozen=True)
class Mode:
    durability: str = "full"
    fault: str | None = None  # TXTCHAT_TEST_FAULT_VFS, without the seed.
    retention_events: int = 0


MODES = {
    "kill": Mode(),
    "normal": Mode(durability="normal"),
    "retention": Mode(retention_events=RETENTION_EVENTS),
    "power-loss": Mode(fault="power-loss"),
    "torn-power-loss": Mode(fault="power-loss,survive=0.3"),
    "power-loss-retention": Mode(fault="power-loss,survive=0.3", retention_events=RETENTION_EVENTS),
}


class Life:
    def __init__(self, mode, seed, directory):
        self.directory = directory
        self.round = 0
        self.kills = 0
        self._mode = MODES[mode]
        self._seed = seed
        self._rng = random.Random(f"{mode} {seed}")
        self._world = World(self._mode.retention_events)
        self._clients = []
        self._victim = None
        self._victims = 0
        self._sync_delay_us = 0  # Of the disk of this run.
        self._starting_s = collections.defaultdict(lambda: 0.1)  # How long it took with this delay.
        os.makedirs(directory)

    @property
    def acknowledged(self):
        return self._world.ledger.acknowledged

    @property
    def deliveries(self):
        return self._world.ledger.deliveries

    def run(self, rounds, deadline=None):
        """Raises the Failure; the data and the logs stay in the directory."""
        try:
            for _ in range(self._rng.randint(1, 4)):
                self._kill_while_it_starts()  # On an empty directory, at first.
            self._found()
            while self.round < rounds and (deadline is None or not deadline.over()):
                self.round += 1
                if self.round > 1 and self._rng.random() < 0.25:
                    self._kill_while_it_starts()
                else:
                    self._kill_under_load()
            self._finish()
        except Exception as error:  # A call that fails is a verdict, too.
            end = self._give_up()
            text = error if isinstance(error, Failure) else traceback.format_exc()
            raise Failure(f"{text}{end}") from None

    # --- Starts and kills.

    def _start(self):
        self._victims += 1
        disk = None
        if self._mode.fault is not None:
            # Where a sync takes long, most kills come while one is waited for.
            self._sync_delay_us = self._rng.choice((0, 0, 2_000, 8_000))
            disk = {
                "TXTCHAT_TEST_FAULT_VFS": f"{self._mode.fault},seed={self._seed + self._victims}",
                "TXTCHAT_TEST_SYNC_DELAY_US": str(self._sync_delay_us),
            }
        flags = [
            f"--durability={self._mode.durability}",
            f"--retention-events={self._mode.retention_events}",
            "--heartbeat-interval=1",
            "--guest-grace-ms=3600000",  # Whoever is away for long is to be known still.
            "--empty-channel-ttl-ms=400",
            "--quiet-channel-ttl-ms=400",
        ]
        self._victim = Victim(self.directory, self._victims, flags, disk)

    def _serve(self):
        self._start()
        addresses = self._victim.wait_until_it_serves()
        self._starting_s[self._sync_delay_us] = time.monotonic() - self._victim.started
        return Run(self._victims, *addresses)

    def _kill(self, **how):
        self.kills += 1
        self._victim.kill(**how)

    def _kill_while_it_starts(self):
        self._start()
        time.sleep(self._rng.random() * 1.5 * self._starting_s[self._sync_delay_us])
        self._kill()

    def _kill_under_load(self):
        run = self._run_under_load(self._rng.random() ** 2 * 1.5)
        if self._rng.random() < 0.4:
            # Within a change that has several parts, which must be there together or not at all.
            run.changing.clear()
            run.changing.wait(DEADLINE_S)
            time.sleep(self._rng.random() * 0.003)
        run.ending.set()
        stops_first = self._rng.random() < 0.15
        if stops_first:
            self._victim.terminate()
            time.sleep(self._rng.random() * 0.2)
        self._kill(or_ended_well=stops_first)
        self._world.check()

    def _run_under_load(self, seconds):
        """So long after something was acknowledged."""
        run = self._serve()
        self._world.begin(run)
        if not run.answered.wait(DEADLINE_S):
            self._world.check()
            raise Failure(f"nothing was acknowledged in run {run.number}")
        self._world.wait_for_failure(seconds)
        return run

    # --- Beginning and end.

    def _found(self):
        """Users and channels, before the first run with a load."""
        run = self._serve()
        founder = NewUser(run.grpc_address, "founder")
        world = self._world
        world.channels = [founder.create_channel(f"channel {i}") for i in range(CHANNELS)]
        founder.close()
        rng = lambda name: random.Random(f"{self._seed} {name}")
        line_senders = [
            LineSender(world, "lines", rng("lines"), burst_max=100),
            LineSender(world, "few-lines", rng("few-lines"), burst_max=5),
            ClassicSender(world, "classic", rng("classic"), burst_max=20),
        ]
        self._auditor = Auditor(world, "auditor", rng("auditor"))
        self._clients = [
            GrpcSender(world, "one", rng("one"), in_flight_max=1),
            GrpcSender(world, "some", rng("some"), in_flight_max=16),
            GrpcSender(world, "many", rng("many"), in_flight_max=64),
            *line_senders,
            GrpcReader(world, "reader", rng("reader")),
            GrpcReader(world, "restless", rng("restless"), restless=True),
            LineReader(world, "line-reader", rng("line-reader")),
            LineReader(world, "restless-line", rng("restless-line"), restless=True),
            self._auditor,
            Guests(world, "guests", rng("guests")),
            Founder(world, "wanderer", rng("wanderer"), line_senders[:2]),
        ]
        for client in self._clients:
            client.prepare(run.grpc_address)
        self._kill()
        for client in self._clients:
            client.start()

    def _finish(self):
        """A last run, in which everything is brought to an end; a last kill; the verdict."""
        self._run_under_load(0.3)
        self._world.calm.set()
        deadline = Deadline()
        while unsettled := [client.name for client in self._clients if not client.settled()]:
            if deadline.over():
                raise Failure(f"there is no end of what is under way with {unsettled}")
            self._world.wait_for_failure(0.02)
        self._world.stop()
        for client in self._clients:
            client.interrupt()
        self._kill()
        for client in self._clients:
            if not client.join(DEADLINE_S):
                raise Failure(f"{client.name} does not end")
        self._world.check()

        data = os.path.join(self.directory, "data")
        check_a_copy(data)
        run = self._serve()
        judge_by_calls(self._world, run, self._auditor.user, self._clients)
        self._victim.stop()
        judge_database(self._world, data)

    def _give_up(self):
        """Answers what is to be said of the server's end."""
        self._world.stop()
        for client in self._clients:
            client.interrupt()
        return self._victim.abandon()
