"""Retrieval problems: which rows are learned from, searched and asked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import reference_data

from skhash.model_selection import UnseenClassSplit, mask_labels

_VALIDATION_SHARE = {"random": 0.2, "later": 0.25}


@dataclass(frozen=True)
class Problem:
    """Rows to fit on, rows of the index, queries, and the labels of each."""

    X_fit: Any
    y_fit: np.ndarray
    X_index: Any
    y_index: np.ndarray
    X_query: Any
    y_query: np.ndarray

    def partial_labels(self, percent, noise, seed):
        """Return the labels to fit with: some hidden, some of the others wrong.

        The same for all methods. For one seed, more percent keep the same rows and
        further ones.

        Parameters
        ----------
        percent : float
            How many of the rows keep their label, chosen whatever their class.
        noise : float
            The share of these whose label becomes another class, each of the others
            equally likely; a set of labels moves as a whole, around the circle of
            classes.
        seed : int
            Draws both.
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


def make_problem(dataset, seed, *, validation=None, unseen=False, max_rows=None):
    """Load a data set and decide which rows are learned from, searched and asked.

    Parameters
    ----------
    dataset : str
        A name of `reference_data.LOADERS`.
    seed : int
        Draws the unseen classes; nothing else depends on it.
    validation : {"random", "later"}, default=None
        Which training rows are the queries, always the same ones, in place of the test
        rows, which then play no part: a random fifth, or, as where a collection grows,
        the last quarter of each class (of all rows, where they have several labels).
    unseen : bool, default=False
        Whether to fit on the training rows of three quarters of the classes, and to
        search and ask among rows of the others.
    max_rows : int, default=None
        Use so many training rows, and a quarter as many test rows.
    """
    data = reference_data.LOADERS[dataset]()
    train, test = (data.X_train, data.y_train), (data.X_test, data.y_test)
    age = data.get("age_train")
    age = np.arange(len(data.y_train)) if age is None else age
    if max_rows is not None:
        kept = _sample(len(age), max_rows)
        train, age = _rows(*train, kept), age[kept]
        test = _rows(*test, _sample(len(test[1]), max_rows // 4))
    if validation is not None:
        asked = _asked(train[1], age, validation)
        train, test = _rows(*train, ~asked), _rows(*train, asked)
    if not unseen:
        return Problem(*train, *train, *test)
    n_train = len(train[1])
    y = np.concatenate([train[1], test[1]])
    seen, new = next(UnseenClassSplit(1, random_state=seed).split(y, y))
    return Problem(
        *_rows(*train, seen[seen < n_train]),
        *_rows(*train, new[new < n_train]),
        *_rows(*test, new[new >= n_train] - n_train),
    )


def _sample(n_samples, n_rows):
    return np.sort(np.random.RandomState(0).permutation(n_samples)[:n_rows])


def _asked(y, age, validation):
    """Return which training rows are queries, as a mask."""
    asked = np.zeros(len(y), dtype=bool)
    share = _VALIDATION_SHARE[validation]
    if validation == "random":
        order = np.random.RandomState(0).permutation(len(y))
        asked[order[: round(share * len(y))]] = True
        return asked
    classes = y if y.ndim == 1 else np.zeros(len(y))
    for one in np.unique(classes):
        rows = np.flatnonzero(classes == one)
        rows = rows[np.argsort(age[rows], kind="stable")]
        asked[rows[len(rows) - round(share * len(rows)) :]] = True
    return asked


def _rows(X, y, rows):
    return X[rows], y[rows]
