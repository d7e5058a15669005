"""Draw the picture of README.md from benchmarks/results/quality.csv.

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
    "float-cosine": "TF-IDF, float vectors, no labels",
}


def read_precisions():
    """Return {(method, percentage of labels): precision@100} of 20 Newsgroups."""
    with RESULTS.open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["run"] == "hashers" and row["dataset"] == "20newsgroups"
        ]
    return {
        (row["method"], row["labels"]): float(row["precision_at_100"])
        for row in rows
        if row["bits"] in ("32", "float")
    }


def main():
    """Draw one line per method."""
    plt.rcParams |= {"svg.hashsalt": "scikit-hash", "font.size": 10}
    precisions = read_precisions()
    fig, ax = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
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
    ax.set(xlabel="labels", ylabel="precision@100", title="20 Newsgroups")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    fig.savefig(DOCS / "headline.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
