"""The plots of docs/performance.md, as SVG. Needs matplotlib (Debian: python3-matplotlib)."""

import importlib.util

from .figures import FIGURES

PERCENTS = {"p50": "50", "p90": "90", "p99": "99", "p99_9": "99.9"}
# One colour for a contender in every plot; they can be told apart without seeing red and green.
COLORS = {
    "txtchatd": "#0072b2",
    "normal": "#56b4e9",
    "full": "#009e73",
    "floor": "#777777",
    "naive": "#cc79a7",
    "nats": "#d55e00",
    "redis": "#e69f00",
    "fsync": "#000000",
}


def available():
    return importlib.util.find_spec("matplotlib") is not None


def draw(directory, rows, results):
    """Draws what was measured into the directory; answers title and file name by section."""
    import matplotlib

    matplotlib.use("svg")
    # The same figures make the same file.
    matplotlib.rcParams |= {"svg.hashsalt": "txtchat", "svg.fonttype": "none", "font.size": 9}
    directory.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for section in dict.fromkeys(row.section for row in rows):
        own = [row for row in rows if row.section == section and results.of(row)]
        for title, name, figure in plots_of(section, own, results):
            figure.savefig(directory / f"{name}.svg", metadata={"Date": None})
            drawn.setdefault(section, []).append((title, f"{name}.svg"))
    return drawn


def plots_of(section, rows, results):
    """Title, file name and figure of everything that this section has a plot of."""
    plain = [row for row in rows if row.figures[0] == "cpu" and list(row.sizes) == [""]]
    if plain:
        title = f"{section}: server CPU per delivery"
        yield title, f"{slug(section)}-cpu", bars(title, plain, results)
    for row in rows:
        if row.figures[0] == "cpu" and len(row.sizes) > 2:
            title = f"{row.name.partition(': ')[2]}: server CPU per delivery"
            yield title, slug(row.name), sizes(title, row, results)
        if row.figures[0] == "p50":
            yield row.name, slug(row.name), latencies(row.name, row, results)


def slug(text):
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def axes_of(title, height=3.2):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def with_legend(figure, axes):
    """Beside the plot, where it hides nothing."""
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def measured(spreads):
    """Those points of which there is something to draw."""
    return [(point, spread) for point, spread in spreads if spread is not None]


def bars(title, rows, results):
    """A group of bars a row, one bar a contender. Logarithmic, for a fiftieth is a target."""
    contenders = results.contenders(rows)
    figure, axes = axes_of(title, height=1 + 0.17 * len(rows) * (len(contenders) + 1))
    thickness = 0.8 / len(contenders)
    for place, name in enumerate(contenders):
        found = measured((at, results.spread(row, "cpu", name)) for at, row in enumerate(rows))
        axes.barh(
            [at + (place + 0.5) * thickness - 0.4 for at, _ in found],
            [spread.median for _, spread in found],
            thickness,
            xerr=errors(spread for _, spread in found),
            error_kw={"elinewidth": 0.7},
            color=COLORS[name],
            label=name,
        )
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(FIGURES["cpu"].text)
    return with_legend(figure, axes)


def errors(spreads):
    pairs = [(spread.median - spread.low, spread.high - spread.median) for spread in spreads]
    return [[low for low, _ in pairs], [high for _, high in pairs]]


def sizes(title, row, results):
    figure, axes = axes_of(title)
    for name in results.contenders([row]):
        found = measured((int(at), results.spread(row, "cpu", name, at)) for at in row.sizes)
        axes.errorbar(
            [at for at, _ in found],
            [spread.median for _, spread in found],
            yerr=errors(spread for _, spread in found),
            marker="o",
            color=COLORS[name],
            label=name,
        )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xticks([int(at) for at in row.sizes], list(row.sizes))
    axes.minorticks_off()
    axes.set_xlabel(row.name.partition(": ")[2])
    axes.set_ylabel(FIGURES["cpu"].text)
    return with_legend(figure, axes)


def latencies(title, row, results):
    figure, axes = axes_of(title)
    for name in results.contenders([row]):
        found = measured((text, results.spread(row, key, name)) for key, text in PERCENTS.items())
        axes.plot(
            [text for text, _ in found],
            [spread.median for _, spread in found],
            marker="o",
            linestyle=":" if name == "fsync" else "-",
            color=COLORS[name],
            label="one fdatasync" if name == "fsync" else name,
        )
    axes.set_yscale("log", subs=())
    axes.yaxis.get_major_locator().set_params(subs=(1, 2, 5))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("percent of deliveries")
    axes.set_ylabel("send to delivery, µs")
    return with_legend(figure, axes)
