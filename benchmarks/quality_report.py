"""What the runs of retrieval_quality.py say: lines, tables, a plot, and CSV files."""

import ast
import csv
import itertools
from collections import defaultdict

import numpy as np
from _measure import print_table

STEPS = ("fit", "encode")
PRECISION, MAP = "precision_at_100", "average_precision_at_1000"
# What tells one run from another.
ABOUT = (
    *("dataset", "method", "bits", "labels", "seed", "noise", "unseen", "validation"),
    "settings",
)
COLUMNS = (
    *ABOUT,
    *(PRECISION, MAP, "fit_seconds", "encode_seconds", "memory_mb"),
    *("bit_mean_min", "bit_mean_max", "n_distinct"),
)


def literal(text):
    """Return the number, say, that a text spells, or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def read_csv(paths):
    """Return the rows of earlier runs; of the same run in several files the last."""
    rows = {}
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                row = {name: literal(x) for name, x in line.items() if x}
                rows[tuple(line[name] for name in ABOUT)] = row
    return list(rows.values())


def show_progress(row):
    """Print one line on a run."""
    line = (
        f"{row['dataset']:17} {row['method']:22} {row['bits']:>5} bits "
        f"{row['labels']:>5g} % labels  seed {row['seed']:<3} "
        f"P@100 {row[PRECISION]:.4f}  mAP@1000 {row[MAP]:.4f}  "
        f"fit {row['fit_seconds']:6.1f} s  {row['memory_mb']:6.0f} MB"
    )
    if "n_distinct" in row:
        low, high = row["bit_mean_min"], row["bit_mean_max"]
        line += f"  bits {low:.2f}..{high:.2f}  {row['n_distinct']} codes"
    print(line, flush=True)


def group(rows, *names):
    """Return lists of rows by the values of some columns, in order of appearance."""
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


def spread(rows, measure, digits=3):
    """Return mean and standard deviation over seeds as text."""
    values = [row[measure] for row in rows if measure in row]
    if not values:
        return ""
    mean = f"{np.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ±{np.std(values, ddof=1):.{digits}f}"


def by_quality(rows):
    """Return lists of rows by method: those that heard labels first, then the best."""

    def quality(item):
        labels = [row for row in item[1] if row["labels"]]
        return bool(labels), np.mean([row[PRECISION] for row in labels or item[1]])

    methods = group(rows, "method").items()
    ordered = sorted(methods, key=quality, reverse=True)
    return {name: of_name for (name,), of_name in ordered}


def show_markdown(rows):
    """Print precision@100, a table a share of labels, and seconds with the most labels.

    Tables have a line a method, the best first, and a column a data set and length.
    """

    def precision(cell):
        return spread(cell, PRECISION)

    def seconds(cell):
        values = (spread(cell, f"{step}_seconds", 2) for step in STEPS)
        return " / ".join(filter(None, values))

    for (share,), of_share in sorted(group(rows, "labels").items()):
        _print_markdown(f"{share:g} % of labels", of_share, precision)
    last = []
    for of_run in group(rows, "dataset", "bits", "method").values():
        most = max(row["labels"] for row in of_run)
        last += [row for row in of_run if row["labels"] == most]
    _print_markdown(f"{' / '.join(STEPS)}, seconds", last, seconds)


def _print_markdown(title, rows, show):
    columns = list(group((r for r in rows if r["bits"] != "float"), "dataset", "bits"))
    print(f"\n| {title} |", *(f"{name}, {bits} |" for name, bits in columns))
    print("| --- |" + " --- |" * len(columns))
    for name, of_name in by_quality(rows).items():
        of_column = group(of_name, "dataset", "bits")
        cells = [of_column[d, b] or of_column[d, "float"] for d, b in columns]
        print(f"| {name} |", *(f"{show(cell)} |" for cell in cells))


def show_tables(rows):
    """Print quality by share of labels and cost, a table each a data set and length."""
    for (dataset,), of_dataset in group(rows, "dataset").items():
        for bits in sorted({r["bits"] for r in of_dataset} - {"float"}):
            chosen = [r for r in of_dataset if r["bits"] in (bits, "float")]
            shares = sorted({row["labels"] for row in chosen})
            methods = group(chosen, "method")
            for measure in (PRECISION, MAP):
                print(f"\n{dataset}, {bits} bits: {measure}, by % of labels")
                print_table(
                    ["method", *(f"{share:g} %" for share in shares)],
                    [
                        [name, *(spread(by_share[(x,)], measure) for x in shares)]
                        for (name,), of_name in methods.items()
                        for by_share in [group(of_name, "labels")]
                    ],
                )
            print(f"\n{dataset}, {bits} bits: cost, and use of the bits")
            measures = COLUMNS[COLUMNS.index("fit_seconds") :]
            digits = (1, 2, 0, 2, 2, 0)
            print_table(
                ["method", "labels", *measures],
                [
                    [name, f"{share:g} %"]
                    + [spread(of_share, m, d) for m, d in zip(measures, digits)]
                    for (name, share), of_share in group(
                        chosen, "method", "labels"
                    ).items()
                ],
            )


def plot(rows, path):
    """Draw precision@100 against the share of labels, a panel a data set and length."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    panels = sorted({(r["dataset"], r["bits"]) for r in rows if r["bits"] != "float"})
    figure, axes = plt.subplots(
        1, len(panels), figsize=(8 * len(panels), 5), squeeze=False, sharey=True
    )
    colors = plt.get_cmap("tab10").colors
    looks = dict(zip(by_quality(rows), itertools.product("osD^v", colors)))
    shares = sorted({row["labels"] for row in rows})
    for axis, (dataset, bits) in zip(axes[0], panels):
        chosen = [
            r for r in rows if r["dataset"] == dataset and r["bits"] in (bits, "float")
        ]
        for name, of_name in by_quality(chosen).items():
            marker, color = looks[name]
            by_share = group(of_name, "labels")
            places = [i for i, x in enumerate(shares) if (x,) in by_share]
            values = [[r[PRECISION] for r in by_share[(shares[i],)]] for i in places]
            means = [np.mean(v) for v in values]
            errors = [np.std(v, ddof=1) if len(v) > 1 else 0 for v in values]
            style = {"color": color, "marker": marker, "label": name}
            axis.errorbar(places, means, errors, capsize=3, markersize=5, **style)
            if shares[places[-1]] == 0:  # what never hears labels stays where it is
                axis.axhline(means[0], ls=":", lw=0.7, color=color, zorder=0)
        axis.set_xticks(range(len(shares)), [f"{share:g}" for share in shares])
        axis.set(title=f"{dataset}, {bits} bits", xlabel="labeled rows (%)")
        # In the order of quality, from top to bottom as the lines are.
        axis.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    axes[0, 0].set_ylabel("precision@100")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
