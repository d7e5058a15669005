"""Define the tables of docs/guide/scale.md from results/scale.csv."""

from pathlib import Path

from _lib.tables import markdown_table, read_csv

_RESULTS = Path(__file__).parents[1] / "results" / "scale.csv"


def _rows(case):
    return [row for row in read_csv(_RESULTS) if row["case"] == case]


def _duration(seconds):
    """Return a time with three digits and its unit."""
    if not seconds:
        return ""
    value = float(seconds)
    return f"{value:.3g} s" if value >= 1 else f"{1000 * value:.3g} ms"


def index_table():
    """Return time and memory of sharded indexes."""
    lines = []
    for row in _rows("index"):
        workers = f"{row['workers']} ({row['backend']})" if row["workers"] else ""
        rate = f"{float(row['gb_per_cpu_second']):.3g}" if row["cpu_seconds"] else ""
        lines.append(
            [
                *(f"{int(row['rows']):,}", row["bits"], row["shards"], workers),
                *(
                    row["step"],
                    _duration(row["seconds"]),
                    _duration(row["cpu_seconds"]),
                ),
                *(f"{float(row['memory_mb']):.3g}", rate),
            ]
        )
    header = ["codes", "bits", "shards", "workers", "step", "time", "CPU", "MB", "GB/s"]
    return markdown_table(header, lines)


def encode_table():
    """Return time to encode texts in blocks."""
    lines = [
        [
            *(f"{int(row['rows']):,}", f"{row['workers']} ({row['backend']})"),
            *(row["step"], _duration(row["seconds"])),
            f"{int(row['rows']) / float(row['seconds']):,.0f}",
        ]
        for row in _rows("encode")
    ]
    header = ["texts", "workers", "step", "time", "texts per second"]
    return markdown_table(header, lines)


def pipeline_table():
    """Return time and memory of a pipeline on a million texts."""
    lines = []
    for row in _rows("pipeline"):
        rate = row["rows_per_cpu_second"]
        lines.append(
            [
                *(
                    row["step"],
                    _duration(row["seconds"]),
                    _duration(row["cpu_seconds"]),
                ),
                f"{float(row['memory_mb']):.3g}",
                f"{float(rate):,.0f}" if rate else "",
            ]
        )
    return markdown_table(["step", "time", "CPU", "MB", "texts per CPU second"], lines)


def classes_table():
    """Return precision of old and new queries by step and percentage of labels."""
    rows = _rows("classes")
    percents = list(dict.fromkeys(row["labels"] for row in rows))
    found = {(row["step"], row["labels"]): row["precision_at_100"] for row in rows}
    lines = [
        [step, *(f"{float(found[step, percent]):.3f}" for percent in percents)]
        for step in dict.fromkeys(row["step"] for row in rows)
    ]
    return markdown_table(
        ["P@100 of queries of", *(f"{each} % labels" for each in percents)], lines
    )


def quality_table():
    """Return precision@100 by number of samples trained on."""
    found = {
        (row["dataset"], int(row["rows"])): f"{float(row['precision_at_100']):.3f}"
        for row in _rows("quality")
    }
    sizes = sorted({size for _, size in found})
    lines = [
        [dataset, *(found.get((dataset, size), "") for size in sizes)]
        for dataset in dict.fromkeys(dataset for dataset, _ in found)
    ]
    return markdown_table(["trained on", *(f"{size:,}" for size in sizes)], lines)
