"""Classifier codes: quantized class posteriors beside label-free bits."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import LabelSpreading
from sklearn.utils import check_random_state

from skhash._base import BaseHasher, ClassPredictorMixin
from skhash.shallow._latent import draw_rows
from skhash.shallow._projections import project
from skhash.shallow._rotations import ITQHasher, learn_rotation
from skhash.utils._compat import Interval, StrOptions
from skhash.utils._labels import check_partial_labels, require_two_classes
from skhash.utils._linalg import singular_directions


class ClassifierHasher(ClassPredictorMixin, BaseHasher):
    """Bits that quantize a classifier's posteriors, and label-free bits for the rest.

    A logistic regression learns the classes from the labeled rows; the first bits
    quantize its class probabilities, the others the row itself (ITQ). Retrieval by
    class labels is classification in disguise, and hashers that learn from labels
    should be compared with this one.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes.
    n_class_bits : int or None, default=None
        How many bits quantize the posteriors; None takes three quarters. Without any
        label all bits are label-free.
    teacher : {"classifier", "propagation"}, default="classifier"
        What the logistic regression learns from: the labeled rows alone, or also all
        others with labels spread over a neighborhood graph (one label a row only),
        which pays where very few rows have labels.
    C : float, default=3.0
        The inverse of the strength of regularization of the logistic regression; less,
        such as 1, suits "propagation".
    n_neighbors : int, default=10
        The number of neighbors in the graph of "propagation".
    max_samples : int, default=20000
        The number of rows that the classifier learns from at most, labeled ones
        first.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Draws rows and rotations and seeds the SVD.

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_features)
        The weights of the classes; like the next three only if there were labels.
    intercept_ : ndarray of shape (n_classes,)
        Their constants.
    mean_ : ndarray of shape (n_classes,)
        The mean posterior.
    rotation_ : ndarray of shape (n_classes, n_class_bits)
        From centered posteriors to class bits.
    classes_ : ndarray of shape (n_classes,) or None
        The classes, -1 not among them; None without labels.
    multilabel_ : bool
        Whether rows have several labels.
    label_free_ : ITQHasher or None
        The hasher of the remaining bits.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    [1]_ quantizes the class decision (section 4). Here ITQ [2]_ rotates the posteriors
    first, overcomplete where there are more bits than classes, so that codes of rows
    in doubt lie between those of their classes. Fit costs O(n_classes * nnz(X)) an
    iteration of the logistic regression and what :class:`ITQHasher` costs, transform
    O((n_classes + n_bits) * nnz(X)); "propagation" adds the distances between all
    pairs of `max_samples` rows.

    References
    ----------
    .. [1] A. Sablayrolles, M. Douze, N. Usunier, H. Jégou, "How should we evaluate
       supervised hashing?", ICASSP 2017. doi:10.1109/ICASSP.2017.7952453
    .. [2] Y. Gong, S. Lazebnik, "Iterative quantization: a Procrustean approach to
       learning binary codes", CVPR 2011. doi:10.1109/CVPR.2011.5995432

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skhash import ClassifierHasher
    >>> X, y = load_iris(return_X_y=True)
    >>> y[::2] = -1  # no label
    >>> ClassifierHasher(n_bits=8, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    _parameter_constraints: dict = {
        **BaseHasher._parameter_constraints,
        "n_class_bits": [Interval(Integral, 1, None, closed="left"), None],
        "teacher": [StrOptions({"classifier", "propagation"})],
        "C": [Interval(Real, 0, None, closed="neither")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        n_class_bits=None,
        teacher="classifier",
        C=3.0,
        n_neighbors=10,
        max_samples=20_000,
        output="bits",
        random_state=None,
    ):
        self.n_bits = n_bits
        self.n_class_bits = n_class_bits
        self.teacher = teacher
        self.C = C
        self.n_neighbors = n_neighbors
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit(self, X, y):
        random_state = check_random_state(self.random_state)
        labels = check_partial_labels(y, X.shape[0])
        require_two_classes(labels)
        n_class_bits = self._count_class_bits(labels)
        # Fitted anew without labels, it must not keep the classes of before.
        for name in ("coef_", "intercept_", "mean_", "rotation_"):
            self.__dict__.pop(name, None)
        self.classes_ = labels.classes
        self.multilabel_ = labels.kind == "multilabel"
        self.label_free_ = None
        if n_class_bits < self.n_bits:
            label_free = ITQHasher(
                self.n_bits - n_class_bits, random_state=random_state
            )
            self.label_free_ = label_free.fit(X)
        if n_class_bits:
            self._fit_classes(X, labels, n_class_bits, random_state)

    def _count_class_bits(self, labels):
        if not labels.n_classes:
            return 0
        if self.n_class_bits is None:
            return -(-3 * self.n_bits // 4)
        if self.n_class_bits > self.n_bits:
            raise ValueError(
                "n_class_bits must be at most n_bits; got "
                f"n_class_bits={self.n_class_bits} with n_bits={self.n_bits}."
            )
        return self.n_class_bits

    def _fit_classes(self, X, labels, n_class_bits, random_state):
        rows = draw_rows(
            X.shape[0],
            self.max_samples,
            random_state=random_state,
            first=labels.labeled,
        )
        X, labeled, targets = X[rows], labels.labeled[rows], labels.targets(rows)
        taught = labeled
        if self.teacher == "propagation":
            if labels.kind != "single":
                raise ValueError(
                    "teacher='propagation' needs one label a row; got several or "
                    "probabilities in y. Use teacher='classifier'."
                )
            components = singular_directions(X, 200, random_state=random_state)
            targets = spread_labels(
                project(X, components), targets, labeled, self.n_neighbors
            )
            taught = targets.any(axis=1)
        learn = _binary_regressions if self.multilabel_ else _multinomial_regression
        self.coef_, self.intercept_ = learn(X[taught], targets[taught], self.C)
        self.coef_ = self.coef_.astype(X.dtype)
        posteriors = self._posteriors(X)
        self.mean_ = posteriors.mean(axis=0)
        centered = posteriors - self.mean_
        axes = np.linalg.svd(centered.T @ centered)[0][:, :n_class_bits]
        rotation, _ = learn_rotation(
            centered @ axes, n_class_bits, 50, random_state=random_state
        )
        self.rotation_ = axes @ rotation

    def _posteriors(self, X):
        scores = project(X, self.coef_) + self.intercept_
        return expit(scores) if self.multilabel_ else softmax(scores, axis=1)

    def _encode(self, X):
        parts = []
        if self.classes_ is not None:
            parts.append((self._posteriors(X) - self.mean_) @ self.rotation_ > 0)
        if self.label_free_ is not None:
            parts.append(self.label_free_._encode(X))
        return np.hstack(parts)

    def _class_probabilities(self, X):
        return self._posteriors(self._check_samples(X, reset=False))


def spread_labels(features, targets, labeled, n_neighbors):
    """Spread labels over a graph of neighbors by the cosine.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_components)
        The rows.
    targets : ndarray of shape (n_samples, n_classes)
        Memberships of one class a row; zeros for rows that are not labeled.
    labeled : ndarray of shape (n_samples,), bool
        Which rows are.
    n_neighbors : int
        The number of neighbors of a row.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes)
        What was given for labeled rows; for others the probability of the most
        probable class, and zeros where no label came.
    """
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    features = features / np.where(norms, norms, 1)
    spreading = LabelSpreading(
        kernel="knn",
        n_neighbors=min(n_neighbors, len(features)),
        alpha=0.9,
        max_iter=50,
    )
    with warnings.catch_warnings():
        # The leading classes settle long before the last digits of their weights.
        warnings.simplefilter("ignore", ConvergenceWarning)
        spreading.fit(features, np.where(labeled, targets.argmax(axis=1), -1))
    spread = np.zeros_like(targets)
    rows, best = np.arange(len(targets)), spreading.label_distributions_.argmax(axis=1)
    # Classes of scikit-learn's estimator are those that occur: all of ours do.
    spread[rows, best] = np.nan_to_num(spreading.label_distributions_[rows, best])
    spread[labeled] = targets[labeled]
    return spread


def _multinomial_regression(X, targets, C):
    """Learn class weights from memberships or probabilities, a row for each."""
    rows, classes = np.nonzero(targets)
    regression = LogisticRegression(C=C, max_iter=200)
    regression.fit(X[rows], classes, sample_weight=targets[rows, classes])
    coef, intercept = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:
        coef = np.vstack([np.zeros_like(coef), coef])
        intercept = np.r_[0, intercept]
    # A class that has no row is never predicted.
    weights = np.zeros((targets.shape[1], X.shape[1]))
    constants = np.full(targets.shape[1], -1e3)
    weights[regression.classes_] = coef
    constants[regression.classes_] = intercept
    return weights, constants


def _binary_regressions(X, targets, C):
    """Learn each class on its own."""
    weights = np.zeros((targets.shape[1], X.shape[1]))
    constants = np.where(targets.any(axis=0), 1e3, -1e3)
    for i in np.flatnonzero(targets.any(axis=0) & ~targets.all(axis=0)):
        regression = LogisticRegression(C=C, max_iter=200).fit(X, targets[:, i] > 0)
        weights[i], constants[i] = regression.coef_[0], regression.intercept_[0]
    return weights, constants
