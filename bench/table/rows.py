"""The rows of the table, as data: what the load does, against whom, and the targets.

Contenders: `txtchatd` keeps messages in memory; `full` (`normal`) is txtchatd with the durable
store; `floor` only copies bytes; `naive` is a gRPC server as one writes it first; `nats` and `redis`
are nats-server and redis-server; `fsync` is no server, but one fdatasync where the stores are.
`asked` is txtchatd with the store of `--store`.

Sized so that a run measures for 1 to 4 seconds where nothing else is said.
"""

from dataclasses import dataclass, field

from .targets import Target, absolute, durable_latency, flat, times

COLUMNS = ("txtchatd", "normal", "full", "floor", "naive", "nats", "redis", "fsync")
STORES = {"txtchatd": "memory", "full": "full", "normal": "normal"}


@dataclass(frozen=True)
class Row:
    name: str
    section: str
    transport: str  # line, grpc, or mixed: publishers on lines, subscribers on streams.
    load: dict  # Options of txtchat-bench.
    contenders: tuple[str, ...]
    figures: tuple[str, ...] = ("cpu",)
    targets: tuple[Target, ...] = ()
    # Where sizes are compared: what each changes in the load.
    sizes: dict[str, dict] = field(default_factory=lambda: {"": {}})
    # What is different for a contender: one that is slow is asked for less.
    other: dict[str, dict] = field(default_factory=dict)
    server_flags: tuple[str, ...] = ()  # Of txtchatd.

    def options(self, contender, at):
        return self.load | self.sizes[at] | self.other.get(contender, {})

    def resolved(self, store):
        """Its contenders, where `asked` is who keeps messages as --store says."""
        asked = next(name for name, kept in STORES.items() if kept == store)
        return tuple(asked if name == "asked" else name for name in self.contenders)


LINE = ("txtchatd", "full", "floor", "nats", "redis")
GRPC = ("txtchatd", "full", "naive")
IDLE = dict(subscribers=0, publishers=0, messages=0)

DURABLE = times("full", 1.3, "txtchatd", "memory, durable")
LESS_THAN_PEERS = (
    times("txtchatd", 1.15, "floor", "the floor"),
    times("txtchatd", 1, "nats", "nats-server", less=True),
    times("txtchatd", 1, "redis", "redis-server", less=True),
)


def line_rows():
    section = "Lines"
    windowed = (
        times("txtchatd", 2, "floor", "the floor"),
        times("txtchatd", 1 / 3, "nats", "nats-server"),
        DURABLE,
    )
    yield Row(
        "line 100 subscribers, window 200", section, "line",
        dict(subscribers=100, window=200, messages=200_000), LINE, targets=windowed,
    )  # fmt: skip
    yield Row(
        "line 1000 subscribers, window 200", section, "line",
        dict(subscribers=1000, window=200, messages=20_000), LINE, targets=windowed,
    )  # fmt: skip
    one = ("txtchatd", "floor", "nats", "redis")
    yield Row(
        "line 100 subscribers, one at a time", section, "line",
        dict(subscribers=100, window=1, messages=3000), one, targets=LESS_THAN_PEERS,
    )  # fmt: skip
    yield Row(
        "line 1000 subscribers, one at a time", section, "line",
        dict(subscribers=1000, window=1, messages=300), one, targets=LESS_THAN_PEERS,
    )  # fmt: skip
    yield Row(
        "line 1000 in 100 channels, window 50", section, "line",
        dict(subscribers=1000, channels=100, publishers=100, window=50, messages=500_000), LINE,
        targets=(times("txtchatd", 1 / 2, "nats", "nats-server"), DURABLE),
    )  # fmt: skip


def grpc_rows():
    section = "gRPC"
    bursts = dict(connections=20, window=200, burst=50)
    most = (times("txtchatd", 1 / 50, "naive", "the naive server"), DURABLE)
    for streams, messages, naive_messages in ((100, 100_000, 4000), (1000, 10_000, 400)):
        name = f"grpc {streams} streams, window 200, bursts"
        load = dict(subscribers=streams, messages=messages, **bursts)
        other = {"naive": dict(messages=naive_messages)}
        yield Row(name, section, "mixed", load, GRPC, targets=most, other=other)
        yield Row(name + ", by SendMessage", section, "grpc", load, GRPC, other=other)
    # In an open loop: a closed one sends again when the message is acknowledged, which is before all
    # streams have it, and then a write may carry two. By SendMessage is the harder comparison: texts
    # from lines cost the naive server a wake-up of another thread for nearly every write.
    one = dict(subscribers=100, connections=20, rate=200, messages=1000)
    close = (times("txtchatd", 1.1, "naive", "the naive server"),)
    for suffix, transport in (("", "mixed"), (", by SendMessage", "grpc")):
        yield Row(
            "grpc 100 streams, one at a time" + suffix, section, transport, one,
            ("txtchatd", "naive"), targets=close,
        )  # fmt: skip


def latency_rows():
    section = "Latency"
    figures = ("p50", "p99")
    targets = tuple(durable_latency(figure, 1.3) for figure in figures)
    load = dict(subscribers=100, rate=200, messages=1000)
    yield Row(
        "line 100 subscribers, 200 a second", section, "line",
        load, (*LINE, "fsync"), figures, targets,
    )  # fmt: skip
    yield Row(
        "grpc 100 streams, 200 a second", section, "grpc",
        load, (*GRPC, "fsync"), figures, targets,
    )  # fmt: skip


def sender_rows():
    section = "Senders, one message at a time each"
    figures = ("rate", "ack_p50", "ack_p99", "cpu_message")
    for transport, sizes in (
        ("line", {1: 20_000, 10: 50_000, 100: 100_000}),
        ("grpc", {1: 10_000, 10: 20_000, 100: 40_000}),
    ):
        for senders, messages in sizes.items():
            yield Row(
                f"{transport}, {senders} sender{'s' if senders > 1 else ''}", section, transport,
                dict(
                    subscribers=0, publishers=senders, channels=senders, window=1,
                    messages=messages,
                ),
                ("asked",), figures,
            )  # fmt: skip


def idle_rows():
    section = "Idle"
    figures = ("memory", "connect")
    yield Row(
        "line, 15000 idle", section, "line", IDLE | dict(idle=15_000, idle_members=100),
        ("txtchatd", "floor", "nats", "redis"), figures,
        targets=(
            absolute("at most 1.5 KiB of memory each", "memory", "txtchatd", 1.5),
            times("txtchatd", 1, "nats", "nats-server until all were there", "connect", less=True),
        ),
        server_flags=("--line-connections-max=16000", "--grpc-connections-max=100"),
    )  # fmt: skip
    yield Row(
        "grpc, 2000 idle streams", section, "grpc",
        IDLE | dict(connections=20, idle=2000, idle_members=100), ("txtchatd", "naive"), figures,
        targets=(times("txtchatd", 1.2, "naive", "the naive server's memory", "memory"),),
    )  # fmt: skip


def growth_targets(sizes):
    return (
        flat(sizes, 1.3, f"flat: at most 1.3 × that of {sizes[0]}"),
        flat(sizes, 1.3, f"over the floor's: at most 1.3 × that of {sizes[0]}", over="floor"),
    )


def growth_rows():
    """In bursts of 50, the next when the last is acknowledged, so that at every size a write carries
    about as many messages: how many it carries decides what a delivery costs."""
    section = "Growth"
    paced = dict(window=50, burst=50)
    crowds = {
        "10": dict(subscribers=10, messages=300_000),
        "100": dict(subscribers=100, messages=50_000),
        "1000": dict(subscribers=1000, messages=6000),
        "9900": dict(subscribers=9900, messages=700),
    }
    yield Row(
        "growth: subscribers of a channel", section, "line", paced,
        ("txtchatd", "floor", "nats", "redis"), sizes=crowds, targets=growth_targets(list(crowds)),
    )  # fmt: skip
    # The same traffic in one of them: only what everybody is a member of grows.
    channels = {str(n): dict(channels=n, channels_each=n) for n in (1, 10, 100, 1000)}
    yield Row(
        "growth: channels of a subscriber", section, "line",
        paced | dict(subscribers=100, messages=50_000), ("txtchatd", "floor"), sizes=channels,
        targets=growth_targets(list(channels)), server_flags=("--channels-per-user-max=1001",),
    )  # fmt: skip
    outside = {"0": dict(idle=0), "9000": dict(idle=9000)}
    yield Row(
        "growth: sessions outside the channel", section, "line",
        paced | dict(subscribers=100, messages=50_000), ("txtchatd", "floor"), sizes=outside,
        targets=(flat(list(outside), 1.15, "9000 more sessions: at most 1.15 ×"),),
    )  # fmt: skip


def stalled_rows():
    # What the stalled ones' sockets take at first goes by before it is measured.
    load = dict(subscribers=800, window=200, warmup=40_000, messages=20_000)
    stalled = {"0": dict(stalled=0), "200": dict(stalled=200)}
    sizes = list(stalled)
    yield Row(
        "line, 200 stalled of 1000", "Stalled readers", "line", load, ("txtchatd",),
        ("cpu", "peak"), sizes=stalled,
        targets=(
            flat(sizes, 1.1, "CPU with 200 stalled: at most 1.1 ×"),
            flat(sizes, 1.1, "memory with 200 stalled: at most 1.1 ×", figure="peak"),
        ),
    )  # fmt: skip


ROWS = (
    *line_rows(),
    *grpc_rows(),
    *latency_rows(),
    *idle_rows(),
    *growth_rows(),
    *stalled_rows(),
    *sender_rows(),
)


def chosen(parts):
    """The rows whose name contains one of the parts; all where there are no parts."""
    return [row for row in ROWS if not parts or any(part in row.name for part in parts)]
