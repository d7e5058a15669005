"""Define retrieval tasks: the samples to fit, to search and to query."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from _lib import reference_data
from skhash.model_selection import UnseenClassSplit, mask_labels

_VALIDATION_FRACTION = {"random": 0.2, "later": 0.25}


@dataclass(frozen=True)
class Task:
    """Hold the samples to fit, the database, the queries, and the labels of each.

    Where labels have levels, `levels_index` and `levels_query` (n_samples, n_levels)
    are the classes of each sample from coarse to fine.
    """

    X_fit: Any
    y_fit: np.ndarray
    X_index: Any
    y_index: np.ndarray
    X_query: Any
    y_query: np.ndarray
    levels_index: np.ndarray | None = None
    levels_query: np.ndarray | None = None

    def partial_labels(self, percent, noise, seed):
        """Return the labels to fit with: some masked, some of the others wrong.

        All methods get the same labels. With the same seed, a larger percentage keeps
        the labels of a smaller one and adds others.

        Parameters
        ----------
        percent : float
            Percentage of the samples that keep their label.
        noise : float
            Fraction of the kept labels that is replaced by another class, drawn
            uniformly. A set of labels is shifted as a whole, modulo the number of
            classes.
        seed : int

        Returns
        -------
        y : ndarray of the shape of `y_fit`
        """
        y = mask_labels(self.y_fit, keep=float(percent) / 100, random_state=seed)
        if not noise:
            return y
        rng = np.random.RandomState(seed)
        single = y.ndim == 1
        known = np.flatnonzero(y >= 0 if single else (y >= 0).all(axis=1))
        wrong = rng.permutation(known)[: round(noise * len(known))]
        n_classes = self.y_fit.max() + 1 if single else y.shape[1]
        shifts = rng.randint(1, n_classes, size=len(wrong))
        if single:
            y[wrong] = (y[wrong] + shifts) % n_classes
        else:
            columns = (np.arange(n_classes) - shifts[:, None]) % n_classes
            y[wrong] = np.take_along_axis(y[wrong], columns, axis=1)
        return y


def make_task(dataset, seed, *, validation=None, unseen=False, max_rows=None):
    """Load a data set and choose the samples to fit, to search and to query.

    Parameters
    ----------
    dataset : str
        A key of `reference_data.LOADERS`.
    seed : int
        Seed for the choice of unseen classes; nothing else depends on it.
    validation : {"random", "later"}, default=None
        Take the queries from the training samples and leave the test samples out:
        "random" takes a random fifth; "later" the last quarter of each class (with
        several labels per sample, of all samples), as in a growing collection.
    unseen : bool, default=False
        Whether to fit on three quarters of the classes, and to search and query the
        others.
    max_rows : int, default=None
        Number of training samples to use, with a quarter as many test samples.

    Returns
    -------
    task : Task
    """
    data = reference_data.LOADERS[dataset]()
    train, test = (
        (data[f"X_{part}"], data[f"y_{part}"], data.get(f"levels_{part}"))
        for part in ("train", "test")
    )
    age = data.get("age_train")
    age = np.arange(len(data.y_train)) if age is None else age
    if max_rows is not None:
        kept = _sample(len(age), max_rows)
        train, age = _rows(*train, kept), age[kept]
        test = _rows(*test, _sample(len(test[1]), max_rows // 4))
    if validation is not None:
        is_query = _is_query(train[1], age, validation)
        train, test = _rows(*train, ~is_query), _rows(*train, is_query)
    if not unseen:
        return Task(*train[:2], *train[:2], *test[:2], train[2], test[2])
    n_train = len(train[1])
    y = np.concatenate([train[1], test[1]])
    seen, new = next(UnseenClassSplit(1, random_state=seed).split(y, y))
    index = _rows(*train, new[new < n_train])
    query = _rows(*test, new[new >= n_train] - n_train)
    return Task(
        *_rows(*train, seen[seen < n_train])[:2],
        *index[:2],
        *query[:2],
        index[2],
        query[2],
    )


def _sample(n_samples, n_rows):
    return np.sort(np.random.RandomState(0).permutation(n_samples)[:n_rows])


def _is_query(y, age, validation):
    """Return a mask of the training samples that are queries."""
    is_query = np.zeros(len(y), dtype=bool)
    fraction = _VALIDATION_FRACTION[validation]
    if validation == "random":
        order = np.random.RandomState(0).permutation(len(y))
        is_query[order[: round(fraction * len(y))]] = True
        return is_query
    classes = y if y.ndim == 1 else np.zeros(len(y))
    for one in np.unique(classes):
        rows = np.flatnonzero(classes == one)
        rows = rows[np.argsort(age[rows], kind="stable")]
        is_query[rows[len(rows) - round(fraction * len(rows)) :]] = True
    return is_query


def _rows(X, y, levels, rows):
    return X[rows], y[rows], None if levels is None else levels[rows]
