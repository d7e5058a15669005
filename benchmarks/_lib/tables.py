"""Print tables and read and write CSV files."""

import ast
import csv
import re

_NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?")


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


def cells_of(line):
    """Return the cells of a line of a Markdown table."""
    return line.removeprefix("| ").removesuffix(" |").split(" | ")


def mark_best(lines, columns=None, *, best=max, within=(), across=False):
    """Return a Markdown table with the best values in bold.

    `columns` are the names of the columns that are compared, by default all but the
    first; a value is the first number of a cell. The values of a column compete, in
    rows that agree in the columns at the positions `within`; with `across`, those of a
    row. A value without another one to compare with is not marked.
    """
    header, rows = cells_of(lines[0]), [cells_of(line) for line in lines[2:]]
    columns = header[1:] if columns is None else columns
    chosen = [i for i, name in enumerate(header) if name in columns]
    groups = {}
    for i, row in enumerate(rows):
        for column in chosen:
            key = i if across else (column, *(row[j] for j in within))
            groups.setdefault(key, []).append((row, column))
    for cells in groups.values():
        if len(cells) > 1:
            _mark(cells, best)
    return lines[:2] + markdown_table(header, rows)[2:]


def _mark(cells, best):
    found = [_NUMBER.search(row[column]) for row, column in cells]
    values = [float(number[0].replace(",", "")) for number in found if number]
    for (row, column), number in zip(cells, found):
        if number and float(number[0].replace(",", "")) == best(values):
            row[column] = f"**{row[column]}**"


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
