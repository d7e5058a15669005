"""Draw the pictures of README.md and hashers.md from benchmarks/results/quality.csv.

python docs/make_picture.py
"""

import csv
from pathlib import Path

import matplotlib.pyplot as plt

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results" / "quality.csv"
PERCENTAGES = ("0", "1", "10", "100")
LINES = {
    "ssbvae": "SSBVAEHasher, 32 bits",
    "ccaitq": "CCAITQHasher, 32 bits",
    "classifier": "ClassifierHasher, 32 bits",
    "phs": "PHSHasher, 32 bits",
    "oracle-features": "logistic regression, float posteriors",
    "float-cosine": "float vectors, no labels",
}
PANELS = {
    "20newsgroups": "20 Newsgroups",
    "web-snippets": "web-snippets",
    "cifar10": "CIFAR-10 features",
}


def read_precisions(dataset):
    """Return {(method, percentage of labels): precision@100} of a data set."""
    with RESULTS.open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["run"] == "hashers" and row["dataset"] == dataset
        ]
    return {
        (row["method"], row["labels"]): float(row["precision_at_100"])
        for row in rows
        if row["bits"] in ("32", "float")
    }


def draw_panel(ax, dataset):
    """Draw one line per method."""
    precisions = read_precisions(dataset)
    for method, label in LINES.items():
        known = [p for p in PERCENTAGES if (method, p) in precisions]
        values = [precisions[method, p] for p in known]
        if method == "float-cosine":
            ax.axhline(values[0], color="gray", linestyle="--", label=label)
            continue
        width = 3 if method == "ssbvae" else 1.2
        at = [PERCENTAGES.index(p) for p in known]
        ax.plot(at, values, marker="o", linewidth=width, label=label)
    ax.set_xticks(range(len(PERCENTAGES)), [f"{p} %" for p in PERCENTAGES])
    ax.set(xlabel="labels", title=PANELS[dataset])


def draw(datasets, name, size, **legend):
    """Draw one panel per data set, with one legend, into an SVG file."""
    fig, axes = plt.subplots(
        1, len(datasets), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    for ax, dataset in zip(axes[0], datasets, strict=True):
        draw_panel(ax, dataset)
    axes[0, 0].set_ylabel("precision@100")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), frameon=False, **legend)
    fig.savefig(DOCS / name, metadata={"Date": None})


def main():
    """Draw both pictures."""
    plt.rcParams |= {"svg.hashsalt": "scikit-hash", "font.size": 10}
    draw(["20newsgroups"], "headline.svg", (7.5, 3.2), loc="outside right center")
    draw(list(PANELS), "hashers.svg", (9, 4), loc="outside lower center", ncols=3)


if __name__ == "__main__":
    main()
