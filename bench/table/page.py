"""Writes docs/performance.md: the part between two marks. The rest of it is written by hand."""

from .figures import FIGURES
from .runs import load_words
from .terminal import ratio

BEGIN = "<!-- ./dev bench --page writes what follows. -->"
END = "<!-- ./dev bench --page wrote what stands above. -->"

COLUMNS_TEXT = """\
`txtchatd` keeps messages in memory; `full` and `normal` are txtchatd with the durable store;
`floor` only copies bytes to sockets; `naive` is a gRPC server with one message a write for every
reader; `nats` and `redis` are nats-server (core NATS) and redis-server (PUBLISH and SUBSCRIBE), which
keep nothing. `fsync` is no server: it appends 4 KiB and waits for one `fdatasync`, 200 times a second,
where the stores are."""


def replaced(text, generated):
    """The page with its generated part exchanged."""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"the page lacks one of its marks: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{generated.strip()}\n\n{END}{after}"


def write(path, rows, results, plots, folder):
    """`plots`: title and file by section; the files are in `folder` beside the page."""
    text = replaced(path.read_text(encoding="utf-8"), generated(rows, results, plots, folder))
    path.write_text(text, encoding="utf-8")


def generated(rows, results, plots, folder):
    measured = [row for row in rows if results.of(row)]
    sections = dict.fromkeys(row.section for row in measured)
    parts = [summary(measured, results), how(results)]
    for section in sections:
        own = [row for row in measured if row.section == section]
        parts.append(f"## {section}")
        parts += [f"![{title}]({folder}/{file})" for title, file in plots.get(section, ())]
        plain = [row for row in own if list(row.sizes) == [""]]
        if plain:
            parts.append(plain_table(plain, results))
        parts += [sizes_table(row, results) for row in own if row not in plain]
    parts.append(commands(measured, results))
    return "\n\n".join(parts)


# --- the targets -------------------------------------------------------------------------------


def summary(rows, results):
    lines = []
    counts = {"met": 0, "missed": 0, "not measured": 0}
    for row in rows:
        for verdict in results.verdicts(row):
            counts[verdict.word] += 1
            value = "" if verdict.value is None else ratio(verdict.value)
            word = verdict.word if verdict.word == "met" else f"**{verdict.word}**"
            lines.append(line(row.name, verdict.target.text, value, word))
    counted = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    parts = ["## Targets", f"{counted}." if counted else "None of these rows has one."]
    if lines:
        parts.append("\n".join([*head("row", "target", "reached", ""), *lines]))
    if failures := results.failures():
        parts.append("Runs that failed:")
        parts.append("\n".join(f"- {place(run)}: {run['failed']}" for run in failures))
    return "\n\n".join(parts)


def place(run):
    at = f" at {run['at']}" if run["at"] else ""
    return f"{run['row']}: {run['contender']}{at}, round {run['round']}"


# --- how it was measured -----------------------------------------------------------------------


def how(results):
    about = results.about
    machine = about.get("machine", {})
    memory = machine.get("memory_bytes", 0) / 2**30
    versions = ", ".join(f"{name} {said}" for name, said in about.get("versions", {}).items())
    rounds = about.get("rounds", 1)
    parts = [
        "## How it was measured",
        f"`{about.get('command', './dev bench')}` on {about.get('date', '')}: "
        f"{machine.get('cpu', '')}, {machine.get('cores', '')} cores, {memory:.0f} GiB, "
        f"{machine.get('kernel', '')}. {versions}.",
        f"{about.get('pinning', '').capitalize()}, loopback, texts of 64 bytes, a fresh server for "
        f"each run. The contenders of a row take turns; {rounds} round{'s' if rounds > 1 else ''}. "
        "Figures are medians, and the least and the most of all rounds. The load average before was "
        f"{about.get('load_average', 0):.1f}. Differences below 15 % are noise. What the figures "
        "are: [bench/README.md](../bench/README.md).",
        COLUMNS_TEXT,
    ]
    if about.get("quick"):
        parts.insert(1, "**Only tried out (`--quick`): far too few messages to compare anything.**")
    if about.get("missing"):
        missing = ", ".join(about["missing"])
        parts.append(f"Not installed on this machine, so not compared: {missing}.")
    return "\n\n".join(parts)


def commands(rows, results):
    store = results.about.get("store", "full")
    lines = []
    for row in rows:
        lines.append(f"# {row.name}" + "".join(f", txtchatd {flag}" for flag in row.server_flags))
        first = row.resolved(store)[0]
        for at in row.sizes:
            lines.append(" ".join(["txtchat-bench", *load_words(row, first, at), *line_server(row)]))
        for contender, other in row.other.items():
            changed = " ".join(f"--{name}={value}" for name, value in other.items())
            lines.append(f"#   {contender}: {changed}")
    parts = [
        "## The commands",
        "With `--server`, `--server-pid` and `--json`; peers with the verbs `nats` and `redis`.",
        "```sh\n" + "\n".join(lines) + "\n```",
    ]
    return "\n\n".join(parts)


def line_server(row):
    return ["--line-server=HOST:PORT"] if row.transport == "mixed" else []


# --- tables ------------------------------------------------------------------------------------


def line(*cells):
    return f"| {' | '.join(cells)} |"


def head(*cells):
    return [line(*cells), line(*["---"] * len(cells))]


def written(figure, spread):
    """0.080 (0.078–0.084)"""
    if spread is None:
        return "-"
    unit = FIGURES[figure]
    text = unit.written(spread.median)
    low, high = unit.written(spread.low), unit.written(spread.high)
    return text if spread.rounds == 1 else f"{text} ({low}–{high})"


def plain_table(rows, results):
    """One line a row and figure, one column a contender."""
    columns = results.columns(rows)
    lines = head("", "", *columns)
    for row in rows:
        for at, figure in enumerate(row.figures):
            cells = (written(figure, results.spread(row, figure, name)) for name in columns)
            lines.append(line(row.name if at == 0 else "", FIGURES[figure].text, *cells))
    return "\n".join(lines)


def sizes_table(row, results):
    """One line a contender and figure, one column a size."""
    lines = head(row.name, "", *row.sizes)
    for figure in row.figures:
        for name in results.columns([row]):
            cells = (written(figure, results.spread(row, figure, name, at)) for at in row.sizes)
            lines.append(line(FIGURES[figure].text, name, *cells))
    return "\n".join(lines)

