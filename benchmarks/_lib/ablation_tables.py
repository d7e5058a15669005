"""Define the table of the ablation from results/ablation.csv."""

from functools import partial
from pathlib import Path
from statistics import fmean, stdev

from _lib.tables import literal, markdown_table, read_csv

_RESULTS = Path(__file__).parents[1] / "results" / "ablation.csv"
# Differences of less are not counted, however alike they are for all seeds.
_LEAST = 0.001


def paired_differences(path, measure, bits):
    """Return what a measure loses without a part: one value per seed.

    Parameters
    ----------
    path : Path
        CSV file with one line per run.
    measure : str
        A column of the file.
    bits : int
        Length of the codes.

    Returns
    -------
    losses : dict
        Lists of differences of runs with the same labels and seed, by setting,
        percentage of labels, fraction of wrong labels, and data set.
    """
    names = ("labels", "noise", "dataset", "seed")
    runs = {}
    for row in read_csv(path):
        if row["bits"] == str(bits):
            key = row["settings"], *(literal(row[name]) for name in names)
            runs[key] = float(row[measure])
    losses = {}
    for (setting, *about, seed), value in runs.items():
        complete = runs.get(("", *about, seed))
        if setting and complete is not None:
            losses.setdefault((setting, *about), []).append(complete - value)
    return losses


def is_gain(losses):
    """Return whether a part pays: the mean loss exceeds what the seeds differ by."""
    return fmean(losses) > max(stdev(losses), _LEAST)


def is_cost(losses):
    """Return whether a part does harm."""
    return is_gain([-loss for loss in losses])


def _cell(losses):
    """Return mean and standard deviation in thousandths; gains bold, costs italic."""
    if not losses:
        return ""
    mark = "**" if is_gain(losses) else "*" if is_cost(losses) else ""
    mean, deviation = round(1000 * fmean(losses)), round(1000 * stdev(losses))
    return f"{mark}{mean} ±{deviation}{mark}"


def ablation_table(path=_RESULTS, bits=32):
    """Return the loss of precision@100 without each part, and on how many sets."""
    first, hundred = (paired_differences(path, name, bits) for name in ("P@1", "P@100"))
    datasets = list(dict.fromkeys(key[-1] for key in hundred))
    rows = dict.fromkeys(key[:-1] for key in hundred)

    def count(losses, row, counts):
        cells = [losses[key] for key in losses if key[:-1] == row]
        return sum(map(counts, cells))

    lines = []
    for row in sorted(rows, key=partial(_place, list(rows))):
        setting, percent, noise = row
        label = f"{percent:g} %{', wrong' if noise else ''}"
        line = [f"`{setting}`", label]
        line += [_cell(hundred.get((*row, name))) for name in datasets]
        for losses in (hundred, first):
            line.append(f"{count(losses, row, is_gain)}, {count(losses, row, is_cost)}")
        lines.append(line)
    header = ["without", "labels", *datasets, "P@100 pays, costs", "P@1 pays, costs"]
    return markdown_table(header, lines)


def _place(rows, row):
    """Return a key that sorts by setting in order of appearance, then by labels."""
    settings = list(dict.fromkeys(setting for setting, *_ in rows))
    return settings.index(row[0]), row[2], row[1]
