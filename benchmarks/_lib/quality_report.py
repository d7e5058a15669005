"""Report the runs of bench_quality.py: lines, tables, a plot, and CSV files."""

import csv
import itertools
from collections import defaultdict

import numpy as np

from _lib.tables import literal, markdown_table, print_table

STEPS = ("fit", "encode")
PRECISION, MAP = "precision_at_100", "average_precision_at_1000"
# Columns that identify a run.
KEY = (
    *("dataset", "method", "bits", "labels", "seed", "noise", "unseen", "validation"),
    *("max_rows", "settings"),
)
COLUMNS = (
    *KEY,
    *(PRECISION, MAP, "fit_seconds", "encode_seconds", "memory_mb"),
    *("bit_mean_min", "bit_mean_max", "n_distinct"),
)


def read_runs(paths):
    """Return the runs of CSV files; the last one if a run is there several times.

    A file may hold means over several seeds: ``seed`` then lists the seeds, and the
    standard deviation of a measure is in the column ``<measure>_std``.
    """
    runs = {}
    for path in paths:
        with open(path, newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                run = {name: literal(x) for name, x in line.items() if x}
                runs[tuple(line.get(name) for name in KEY)] = run
    return list(runs.values())


def show_progress(run):
    """Print one line on a run."""
    line = (
        f"{run['dataset']:17} {run['method']:22} {run['bits']:>5} bits "
        f"{run['labels']:>5g} % labels  seed {run['seed']:<3} "
        f"P@100 {run[PRECISION]:.4f}  mAP@1000 {run[MAP]:.4f}  "
        f"fit {run['fit_seconds']:6.1f} s  {run['memory_mb']:6.0f} MB"
    )
    if "n_distinct" in run:
        low, high = run["bit_mean_min"], run["bit_mean_max"]
        line += f"  bits {low:.2f}..{high:.2f}  {run['n_distinct']} codes"
    print(line, flush=True)


def group(runs, *names):
    """Return lists of runs by the values of some columns, in order of appearance."""
    groups = defaultdict(list)
    for run in runs:
        groups[tuple(run.get(name) for name in names)].append(run)
    return groups


def mean_and_std(runs, measure, digits=3):
    """Return mean and standard deviation over seeds as text."""
    runs = [run for run in runs if measure in run]
    if not runs:
        return ""
    values = [run[measure] for run in runs]
    mean = f"{np.mean(values):.{digits}f}"
    std = runs[0].get(f"{measure}_std")
    if len(runs) > 1:
        std = np.std(values, ddof=1)
    return mean if std is None else f"{mean} ±{std:.{digits}f}"


def by_quality(runs):
    """Return lists of runs by method: those that used labels first, then the best."""

    def quality(item):
        with_labels = [run for run in item[1] if run["labels"]]
        values = [run[PRECISION] for run in with_labels or item[1]]
        return bool(with_labels), np.mean(values)

    methods = group(runs, "method").items()
    ordered = sorted(methods, key=quality, reverse=True)
    return {name: of_name for (name,), of_name in ordered}


def precision_markdown(title, runs):
    """Return a table of precision@100: one line per method, the best first."""
    return _markdown(title, runs, lambda cell: mean_and_std(cell, PRECISION))


def seconds_markdown(runs):
    """Return a table of the seconds to fit and to encode, with the most labels."""

    def seconds(cell):
        values = (mean_and_std(cell, f"{step}_seconds", 2) for step in STEPS)
        return " / ".join(filter(None, values))

    last = []
    for of_run in group(runs, "dataset", "bits", "method").values():
        most = max(run["labels"] for run in of_run)
        last += [run for run in of_run if run["labels"] == most]
    return _markdown(f"{' / '.join(STEPS)}, seconds", last, seconds)


def show_markdown(runs):
    """Print precision@100, one table per percentage of labels, and the seconds."""
    for (percent,), of_percent in sorted(group(runs, "labels").items()):
        print("", *precision_markdown(f"{percent:g} % of labels", of_percent), sep="\n")
    print("", *seconds_markdown(runs), sep="\n")


def _markdown(title, runs, show):
    """Return a table with one column per data set and, if several, per length."""
    columns = list(group((r for r in runs if r["bits"] != "float"), "dataset", "bits"))
    if len({bits for _, bits in columns}) > 1:
        header = [title, *(f"{name}, {bits} bits" for name, bits in columns)]
    else:
        header = [title, *(name for name, _ in columns)]
    lines = []
    for name, of_name in by_quality(runs).items():
        of_column = group(of_name, "dataset", "bits")
        cells = [of_column[d, b] or of_column[d, "float"] for d, b in columns]
        lines.append([name, *map(show, cells)])
    return markdown_table(header, lines)


def show_tables(runs):
    """Print quality by percentage of labels and cost, per data set and length."""
    for (dataset,), of_dataset in group(runs, "dataset").items():
        for bits in sorted({r["bits"] for r in of_dataset} - {"float"}):
            chosen = [r for r in of_dataset if r["bits"] in (bits, "float")]
            for measure in (PRECISION, MAP):
                print(f"\n{dataset}, {bits} bits: {measure}, by % of labels")
                _show_quality(chosen, measure)
            print(f"\n{dataset}, {bits} bits: cost, and use of the bits")
            _show_cost(chosen)


def _show_quality(runs, measure):
    percents = sorted({run["labels"] for run in runs})
    rows = []
    for (name,), of_name in group(runs, "method").items():
        cells = group(of_name, "labels")
        rows.append([name, *(mean_and_std(cells[(x,)], measure) for x in percents)])
    print_table(["method", *(f"{percent:g} %" for percent in percents)], rows)


def _show_cost(runs):
    measures = COLUMNS[COLUMNS.index("fit_seconds") :]
    digits = (1, 2, 0, 2, 2, 0)
    rows = []
    for (name, percent), cell in group(runs, "method", "labels").items():
        values = [mean_and_std(cell, m, d) for m, d in zip(measures, digits)]
        rows.append([name, f"{percent:g} %", *values])
    print_table(["method", "labels", *measures], rows)


def plot(runs, path):
    """Draw precision@100 by percentage of labels, one panel per data set and length."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    panels = sorted({(r["dataset"], r["bits"]) for r in runs if r["bits"] != "float"})
    figure, axes = plt.subplots(
        1, len(panels), figsize=(8 * len(panels), 5), squeeze=False, sharey=True
    )
    colors = plt.get_cmap("tab10").colors
    styles = dict(zip(by_quality(runs), itertools.product("osD^v", colors)))
    percents = sorted({run["labels"] for run in runs})
    for axis, (dataset, bits) in zip(axes[0], panels):
        chosen = [
            r for r in runs if r["dataset"] == dataset and r["bits"] in (bits, "float")
        ]
        _plot_panel(axis, chosen, percents, styles)
        axis.set(title=f"{dataset}, {bits} bits", xlabel="labeled samples (%)")
    axes[0, 0].set_ylabel("precision@100")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def _plot_panel(axis, runs, percents, styles):
    for name, of_name in by_quality(runs).items():
        marker, color = styles[name]
        cells = group(of_name, "labels")
        places = [i for i, x in enumerate(percents) if (x,) in cells]
        values = [[r[PRECISION] for r in cells[(percents[i],)]] for i in places]
        means = [np.mean(v) for v in values]
        errors = [np.std(v, ddof=1) if len(v) > 1 else 0 for v in values]
        style = {"color": color, "marker": marker, "label": name}
        axis.errorbar(places, means, errors, capsize=3, markersize=5, **style)
        if percents[places[-1]] == 0:  # a method without labels is constant
            axis.axhline(means[0], ls=":", lw=0.7, color=color, zorder=0)
    axis.set_xticks(range(len(percents)), [f"{percent:g}" for percent in percents])
    # In the order of quality, as the lines are from top to bottom.
    axis.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
