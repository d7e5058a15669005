"""Define the tables of views and other methods from results/views.csv."""

from pathlib import Path

from _lib.tables import markdown_table, read_csv

_RESULTS = Path(__file__).parents[1] / "results" / "views.csv"
_METHODS = ("words", "embedding", "both", "semi")
_OTHERS = ("log-reg", "label-spread", "itq", "pca-sign")
_FINE_TUNED = ("setfit", "setfit-embedding", "setfit-both")


def _groups():
    """Yield data set and percentage of labels, and the runs by method."""
    groups = {}
    for row in read_csv(_RESULTS):
        key = row["dataset"], row["labels"].removesuffix(".0")
        groups.setdefault(key, {})[row["method"]] = row
    yield from groups.items()


def _cell(row, name):
    return f"{float(row[name]):.3f}" if row and row[name] else ""


def views_table(measure):
    """Return a measure of the codes by method."""
    names = (*_METHODS, *_OTHERS)
    lines = [
        [f"{dataset}, {labels} %", *(_cell(rows.get(name), measure) for name in names)]
        for (dataset, labels), rows in _groups()
    ]
    return markdown_table([f"{measure}, labels", *names], lines)


def predict_table():
    """Return the accuracy of `predict` and of logistic regression."""
    lines = []
    for (dataset, labels), rows in _groups():
        cells = [
            f"{_cell(rows.get(name), 'accuracy')} / {_cell(rows.get(name), 'logistic')}"
            for name in _METHODS[:3]
        ]
        if labels != "0":
            line = [f"{dataset}, {labels} %", *cells]
            lines.append(["" if cell == " / " else cell for cell in line])
    return markdown_table(["`predict` / logistic", *_METHODS[:3]], lines)


def fine_tuned_table():
    """Return precision, accuracy and CPU time beside those of SetFit."""
    names, measures = ("embedding", "both", *_FINE_TUNED), ("P@1", "P@100", "accuracy")
    lines = []
    for (dataset, labels), rows in _groups():
        if "setfit" in rows:
            line = [f"{dataset}, {labels} %"]
            for name in names:
                line.append(" / ".join(_cell(rows.get(name), m) for m in measures))
            seconds = (rows[name]["fit_seconds"] for name in ("both", "setfit"))
            line.append(" / ".join(f"{float(s):.0f}" for s in seconds))
            lines.append([*line, _cell(rows["setfit"], "logistic")])
    header = ["P@1 / P@100 / accuracy", *names, "CPU s: both / setfit", "logistic"]
    return markdown_table(header, lines)
