"""Make the tables of duplicates, candidate pairs and image hashes."""

from pathlib import Path

from _lib.tables import markdown_table, read_csv

RESULTS = Path(__file__).parents[1] / "results"
_DATA = {
    "febrl4": "FEBRL 4, two tables",
    "febrl3": "FEBRL 3, one table",
    "icd10cm": "diagnoses with typing errors",
}


def _rows(name, **wanted):
    rows = read_csv(RESULTS / f"{name}.csv")
    return [r for r in rows if all(r[key] == value for key, value in wanted.items())]


def learned_table():
    """Return pair completeness of learned codes, for numbers of candidates."""
    cells, methods = {}, []
    for row in _rows("blocking", task="learned"):
        label = f"{_DATA[row['data']]}, {row['n_bits']} bits, {row['n_known']} matches"
        values = cells.setdefault(label, {}).setdefault(row["method"], [])
        if row["n_candidates"] in ("1", "10"):
            values.append(f"{float(row['completeness']):.3f}")
        methods = list(cells[label])
    lines = [
        [label, *(" / ".join(values[method]) for method in methods)]
        for label, values in cells.items()
    ]
    return markdown_table(["data", *(f"`{method}`" for method in methods)], lines)


def indexes_table():
    """Return pairs and completeness of blocking indexes."""
    lines = []
    for row in _rows("blocking", task="indexes"):
        pairs = f"{int(row['n_pairs']):,}"
        lines.append([row["method"], pairs, row["completeness"], row["cpu_seconds"]])
    header = ["candidates of", "pairs", "pair completeness", "CPU seconds"]
    return markdown_table(header, lines)


def trees_table():
    """Return microseconds per query by radius."""
    rows = _rows("duplicates", task="trees")
    radii = list(dict.fromkeys(row["radius"] for row in rows))
    times = {(row["method"], row["radius"]): row["us_per_query"] for row in rows}
    methods = dict.fromkeys(row["method"] for row in rows)
    lines = [[name, *(times[name, radius] for radius in radii)] for name in methods]
    header = ["CPU microseconds per query", *(f"radius {radius}" for radius in radii)]
    return markdown_table(header, lines)


def jobs_table():
    """Return time, memory and result of the jobs."""
    jobs = {
        "texts": "near-copies of {:,} texts",
        "groups": "groups of {:,} codes",
        "blocking": "blocking of {:,} records",
    }
    lines = []
    for row in _rows("duplicates"):
        if row["task"] not in jobs:
            continue
        result = row["note"] or f"precision {row['precision']}, recall {row['recall']}"
        about = jobs[row["task"]].format(int(row["size"]))
        if row["threads"]:
            about += (
                f", {row['threads']} threads" if row["threads"] != "1" else ", 1 thread"
            )
        memory = f"{float(row['memory_mb']):.0f} MB"
        lines.append([about, row["method"], row["cpu_seconds"], memory, result])
    header = ["job", "method", "CPU seconds", "memory above the input", "result"]
    return markdown_table(header, lines)
