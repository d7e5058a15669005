"""Validate input, and compare the features of codes with their average."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from skhash.utils._labels import UNLABELED, check_partial_labels

Weights = NDArray[np.float64]
# Added to both sides of a ratio, as a fraction of the mean weight of a feature: a
# feature that is rare everywhere does not get a large ratio by chance.
_SMOOTHING = 1.0


def check_decoder(hasher: Any) -> None:
    """Raise unless a hasher is fitted and has a decoder."""
    if not hasattr(hasher, "inverse_transform"):
        raise TypeError(
            "hasher must have a decoder (inverse_transform), as SSBVAEHasher has; got "
            f"{type(hasher).__name__}."
        )
    check_is_fitted(hasher)


def check_feature_names(hasher: Any, feature_names: ArrayLike | None) -> NDArray:
    """Return one name per feature of a fitted hasher.

    Parameters
    ----------
    hasher : estimator
        A fitted hasher.
    feature_names : array-like of shape (n_features,) or None
        The names. If None, those that the hasher was fitted with, else "x0", "x1", ...

    Returns
    -------
    names : ndarray of shape (n_features,)
    """
    n_features = hasher.n_features_in_
    if feature_names is None:
        default = [f"x{i}" for i in range(n_features)]
        feature_names = getattr(hasher, "feature_names_in_", default)
    names = np.asarray(feature_names)
    if names.shape != (n_features,):
        raise ValueError(
            f"feature_names must have one name per feature, shape ({n_features},); got "
            f"shape {names.shape}."
        )
    return names


def check_one_class(y: ArrayLike | None, n_samples: int) -> tuple[NDArray, NDArray]:
    """Validate labels with one class per sample.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or None
        Labels, -1 for unlabeled samples; None for no label.
    n_samples : int
        Number of samples.

    Returns
    -------
    indices : ndarray of shape (n_samples,), int64
        Position of each label in `classes`, -1 for unlabeled samples.
    classes : ndarray of shape (n_classes,)
        The sorted classes.
    """
    labels = check_partial_labels(y, n_samples)
    if labels.kind == "none":
        return np.full(n_samples, UNLABELED), np.empty(0)
    if labels.indices is None or labels.classes is None:
        raise ValueError(
            "y must have one class per sample, shape (n_samples,); got several per "
            "sample."
        )
    return labels.indices, labels.classes


def decoded_weights(hasher: Any, codes: NDArray) -> Weights:
    """Return the decoded samples (n_codes, n_features) of codes."""
    return np.asarray(hasher.inverse_transform(codes), dtype=np.float64)


def lift(weights: Weights, average: Weights) -> Weights:
    """Return by how much weights are above their average.

    Parameters
    ----------
    weights : ndarray of shape (n_rows, n_features)
        Weights of features, for example frequencies of words.
    average : ndarray of shape (n_features,)
        Their average over the collection.

    Returns
    -------
    lift : ndarray of shape (n_rows, n_features)
        For frequencies (no weight below 0) the term of each feature in the
        Kullback-Leibler divergence from the average, smoothed; else the difference.
    """
    if min(weights.min(initial=0), average.min(initial=0)) < 0:
        return weights - average
    smoothing = _SMOOTHING * average.mean() or 1.0
    return weights * np.log((weights + smoothing) / (average + smoothing))


def top_features(
    weights: Weights, names: NDArray, n_features: int
) -> list[tuple[str, float]]:
    """Return names and weights of the largest positive weights, in descending order."""
    order = np.argsort(-weights, kind="stable")[:n_features]
    return [(str(names[i]), float(weights[i])) for i in order if weights[i] > 0]
