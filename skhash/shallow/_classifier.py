"""Classifier codes: quantized class posteriors next to unsupervised bits."""

import warnings
from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import LabelSpreading
from sklearn.utils import check_random_state

from skhash._base import ClassPredictorMixin
from skhash.shallow._base import ShallowHasher
from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import draw_rows
from skhash.shallow._projections import project
from skhash.shallow._rotations import ITQHasher
from skhash.utils._compat import Interval, StrOptions
from skhash.utils._docstrings import substitute
from skhash.utils._labels import (
    PartialLabels,
    check_partial_labels,
    require_two_classes,
)
from skhash.utils._linalg import learn_rotation, singular_directions
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._typing import Output, Rows, Seed


@substitute(**TEXTS)
class ClassifierHasher(ClassPredictorMixin, ShallowHasher):
    """Quantize the posteriors of a classifier, and add unsupervised bits.

    A logistic regression learns the classes from the labeled samples. The first bits
    quantize its class probabilities, the others the sample itself (ITQ). Retrieval by
    class labels is a form of classification, and hashers that learn from labels should
    be compared with this one.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    n_class_bits : int or None, default=None
        Number of bits that quantize the posteriors, from 1 to `n_bits`; three quarters
        of `n_bits`, rounded up, if None. Without labels all bits are unsupervised.
    pseudo_labels : {"label_spreading"} or None, default=None
        How unlabeled samples get pseudo-labels to train the logistic regression on.
        "label_spreading" spreads labels over a neighborhood graph, which helps where
        very few samples are labeled, and needs one label per sample. None trains on
        the labeled samples only.
    C : float, default=3.0
        Inverse of the regularization strength of the logistic regression, above 0. A
        smaller value such as 1 suits pseudo-labels.
    n_neighbors : int, default=10
        Number of neighbors per sample in the graph of "label_spreading", at least 1.
    max_samples : int, default=20000
        Largest number of samples that the classifier learns from, at least 2. They are
        drawn at random, labeled samples before unlabeled ones.
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_features)
        Weights of the logistic regression. Like the next three attributes it exists
        only if there were labels.
    intercept_ : ndarray of shape (n_classes,)
        Intercepts of the logistic regression.
    mean_ : ndarray of shape (n_classes,)
        Mean posteriors of the training samples.
    rotation_ : ndarray of shape (n_classes, n_class_bits)
        Map from centered posteriors to class bits.
    {optional_classes_attribute}
    multilabel_ : bool
        Whether samples have several labels.
    label_free_ : ITQHasher or None
        Hasher of the unsupervised bits; None if there are none.
    {feature_attributes}

    Notes
    -----
    In [1]_ the class decision is quantized (section 4). Here ITQ [2]_ rotates the
    posteriors first, overcomplete if there are more bits than classes, so that the code
    of an uncertain sample lies between those of its classes.

    Fit costs O(n_classes * nnz(X)) per iteration of the logistic regression in addition
    to the cost of :class:`ITQHasher`, transform O((n_classes + n_bits) * nnz(X)).
    "label_spreading" adds the distances between all pairs of `max_samples` samples.

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
    >>> y[::2] = -1  # unlabeled
    >>> ClassifierHasher(n_bits=8, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    _parameter_constraints: dict = {
        **ShallowHasher._parameter_constraints,
        "n_class_bits": [Interval(Integral, 1, None, closed="left"), None],
        "pseudo_labels": [StrOptions({"label_spreading"}), None],
        "C": [Interval(Real, 0, None, closed="neither")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_bits: int = 32,
        *,
        n_class_bits: int | None = None,
        pseudo_labels: Literal["label_spreading"] | None = None,
        C: float = 3.0,
        n_neighbors: int = 10,
        max_samples: int = 20_000,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.n_class_bits = n_class_bits
        self.pseudo_labels = pseudo_labels
        self.C = C
        self.n_neighbors = n_neighbors
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        random_state = check_random_state(self.random_state)
        labels = check_partial_labels(y, X.shape[0])
        require_two_classes(labels)
        n_class_bits = self._count_class_bits(labels)
        # A previous fit with labels may have left them.
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

    def _count_class_bits(self, labels: PartialLabels) -> int:
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

    def _fit_classes(
        self,
        X: Rows,
        labels: PartialLabels,
        n_class_bits: int,
        random_state: np.random.RandomState,
    ) -> None:
        rows = draw_rows(
            X.shape[0],
            self.max_samples,
            random_state=random_state,
            first=labels.labeled,
        )
        X, labeled, targets = X[rows], labels.labeled[rows], labels.targets(rows)
        if self.pseudo_labels is not None:
            if labels.kind != "single":
                raise ValueError(
                    f"pseudo_labels={self.pseudo_labels!r} needs one label per sample; "
                    "got several or probabilities in y. Use pseudo_labels=None."
                )
            components = singular_directions(X, 200, random_state=random_state)
            targets = spread_labels(
                project(X, components), targets, labeled, self.n_neighbors
            )
        trained = targets.any(axis=1) if self.pseudo_labels else labeled
        learn = _binary_regressions if self.multilabel_ else _multinomial_regression
        self.coef_, self.intercept_ = learn(X[trained], targets[trained], self.C)
        self.coef_ = self.coef_.astype(X.dtype)
        posteriors = self._posteriors(X)
        self.mean_ = posteriors.mean(axis=0)
        centered = posteriors - self.mean_
        axes = np.linalg.svd(centered.T @ centered)[0][:, :n_class_bits]
        rotation, _ = learn_rotation(
            centered @ axes, n_class_bits, 50, random_state=random_state
        )
        self.rotation_ = axes @ rotation

    def _posteriors(self, X: Rows) -> NDArray:
        return self._link(project(X, self.coef_) + self.intercept_)

    def _link(self, scores: NDArray) -> NDArray:
        """Return the class probabilities of decision values."""
        return expit(scores) if self.multilabel_ else softmax(scores, axis=1)

    def _decide(self, X: BoundedRows) -> Decision:
        parts = []
        if self.classes_ is not None:
            scores = X.project(self.coef_).shift(self.intercept_)
            centered = scores.map(self._link, slope=1.0).shift(-self.mean_)
            parts.append(centered.project(self.rotation_.T).above())
        if self.label_free_ is not None:
            parts.append(self.label_free_._decide(X))
        values, doubtful = zip(*parts)
        return np.hstack(values), np.any(doubtful, axis=0)

    def _class_probabilities(self, X: ArrayLike) -> NDArray:
        return self._posteriors(self._check_samples(X, reset=False))


def spread_labels(
    features: NDArray, targets: NDArray, labeled: NDArray[np.bool_], n_neighbors: int
) -> NDArray:
    """Spread labels over a graph of nearest neighbors by cosine similarity.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_components)
        The samples.
    targets : ndarray of shape (n_samples, n_classes)
        Memberships of one class per sample; zeros for unlabeled samples.
    labeled : ndarray of shape (n_samples,), bool
        Which samples are labeled.
    n_neighbors : int
        Number of neighbors per sample.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes)
        The given memberships of labeled samples; for others the probability of the
        most probable class, and zeros where no label was spread to.
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
        # The most probable classes are stable long before the weights converge.
        warnings.simplefilter("ignore", ConvergenceWarning)
        spreading.fit(features, np.where(labeled, targets.argmax(axis=1), -1))
    spread = np.zeros_like(targets)
    rows, best = np.arange(len(targets)), spreading.label_distributions_.argmax(axis=1)
    # The estimator has the classes that occur, and all of these classes do.
    spread[rows, best] = np.nan_to_num(spreading.label_distributions_[rows, best])
    spread[labeled] = targets[labeled]
    return spread


def _multinomial_regression(
    X: Rows, targets: NDArray, C: float
) -> tuple[NDArray, NDArray]:
    """Learn class weights from memberships or probabilities, one sample for each."""
    rows, classes = np.nonzero(targets)
    regression = LogisticRegression(C=C, max_iter=200)
    regression.fit(X[rows], classes, sample_weight=targets[rows, classes])
    coef, intercept = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:
        coef = np.vstack([np.zeros_like(coef), coef])
        intercept = np.r_[0, intercept]
    # A class without samples is never predicted.
    weights = np.zeros((targets.shape[1], X.shape[1]))
    constants = np.full(targets.shape[1], -1e3)
    weights[regression.classes_] = coef
    constants[regression.classes_] = intercept
    return weights, constants


def _binary_regressions(X: Rows, targets: NDArray, C: float) -> tuple[NDArray, NDArray]:
    """Learn the weights of each class independently of the others."""
    weights = np.zeros((targets.shape[1], X.shape[1]))
    constants = np.where(targets.any(axis=0), 1e3, -1e3)
    for i in np.flatnonzero(targets.any(axis=0) & ~targets.all(axis=0)):
        regression = LogisticRegression(C=C, max_iter=200).fit(X, targets[:, i] > 0)
        weights[i], constants[i] = regression.coef_[0], regression.intercept_[0]
    return weights, constants
