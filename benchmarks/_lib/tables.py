"""Print tables and read and write CSV files."""

import ast
import csv


def print_table(header, rows):
    """Print rows of strings in aligned columns, the first column to the left."""
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    for line in [header, ["-" * width for width in widths], *rows]:
        first, *others = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths))
        )
        print("  ".join([first, *others]).rstrip(), flush=True)


def markdown_table(header, rows):
    """Return the lines of a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def write_csv(path, columns, rows):
    """Write dicts to a CSV file; a missing key gives an empty cell."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_csv(path):
    """Return the rows of a CSV file as dicts of strings."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def literal(text):
    """Return the Python literal in a text, or the text if there is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
