"""HammingRetriever: from texts or other raw samples to neighbors, as one estimator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import Tags, get_tags

from skhash._packed_columns import is_packed, unpack_columns
from skhash.neighbors._nearest import HammingNearestNeighbors
from skhash.neighbors._reranked import RerankedNearestNeighbors
from skhash.neighbors._retriever_search import (
    TEXTS,
    RetrieverContents,
    RetrieverSearchMixin,
)
from skhash.shallow import ITQHasher
from skhash.utils._compat import HasMethods, fit_context
from skhash.utils._docstrings import substitute

__all__ = ["HammingRetriever"]


@substitute(**TEXTS)
class HammingRetriever(RetrieverSearchMixin):
    """Encode samples, index them, and find the nearest neighbors of others.

    Combines a pipeline and an index, which it keeps consistent.

    Parameters
    ----------
    encoder : estimator, default=None
        The transformer of samples to codes, for example a Pipeline of vectorizer and
        hasher; or into vectors, for example the vectorizer alone, if `index` is a
        :class:`RerankedNearestNeighbors`, which holds the hasher. It is cloned and
        fitted; wrap a fitted one in scikit-learn's ``FrozenEstimator`` to take it as it
        is. None is ``ITQHasher(64, random_state=0)``.
    index : HammingNearestNeighbors or RerankedNearestNeighbors, default=None
        The index, which is cloned and fitted. `packed` is set according to the output
        of the encoder. None is ``HammingNearestNeighbors()``.

    Attributes
    ----------
    encoder_ : estimator
        The fitted encoder.
    index_ : HammingNearestNeighbors or RerankedNearestNeighbors
        The fitted index. Change it by the methods of the retriever only.
    labels_ : ndarray of shape (n_samples_fit_,) or (n_samples_fit_, n_classes), or None
        The labels `y` of the indexed samples; read-only.
    ids_ : ndarray of shape (n_samples_fit_,), int64, uint64 or str, or None
        The ids of the indexed samples; read-only.
    n_samples_fit_ : int
        Number of indexed samples.
    n_features_in_ : int
        Number of columns of `X`. Only if the encoder has this attribute, which
        vectorizers of text do not.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` had names.

    See Also
    --------
    HammingNearestNeighbors : The index of codes.
    RerankedNearestNeighbors : The index of codes and vectors.

    Notes
    -----
    `fit`, `partial_fit` and `remove` replace the whole fitted state by one assignment,
    as those of :class:`HammingNearestNeighbors` do: searches in other threads use the
    state before or after, and need no lock.

    docs/retrieval.md in the repository shows how to serve a retriever.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> from skhash import HammingRetriever, RandomProjectionHasher
    >>> texts = ["red apples", "green apples", "fast cars", "slow cars"]
    >>> encoder = make_pipeline(
    ...     TfidfVectorizer(), RandomProjectionHasher(64, random_state=0)
    ... )
    >>> retriever = HammingRetriever(encoder).fit(texts, ids=["a", "b", "c", "d"])
    >>> retriever.kneighbors(["cars, fast"], 2, return_ids=True)[1]
    array([['c', 'd']], dtype='<U1')
    """

    _parameter_constraints: dict = {
        "encoder": [HasMethods(["fit", "transform"]), None],
        "index": [HammingNearestNeighbors, RerankedNearestNeighbors, None],
    }

    def __init__(
        self,
        encoder: Any = None,
        index: HammingNearestNeighbors | RerankedNearestNeighbors | None = None,
    ) -> None:
        self.encoder = encoder
        self.index = index

    @property
    def encoder_(self) -> Any:
        """The fitted encoder."""
        return self._fitted("encoder_").encoder

    @property
    def index_(self) -> HammingNearestNeighbors | RerankedNearestNeighbors:
        """The fitted index."""
        return self._fitted("index_").index

    @property
    def n_samples_fit_(self) -> int:
        """Number of indexed samples."""
        return self._fitted("n_samples_fit_").index.n_samples_fit_

    @property
    def labels_(self) -> NDArray | None:
        """Labels of the indexed samples; read-only."""
        return self._fitted("labels_").index.labels_

    @property
    def ids_(self) -> NDArray | None:
        """Ids of the indexed samples; read-only."""
        return self._fitted("ids_").index.ids_

    # Changes --------------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: ArrayLike | None = None, ids: ArrayLike | None = None
    ) -> HammingRetriever:
        """Fit the encoder, and index the samples.

        Parameters
        ----------
        X : sequence or array-like of shape (n_samples, ...)
            Samples: what the encoder takes, for example texts.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels for an encoder that learns from them, and for :meth:`score`; -1 for
            an unlabeled sample.
        ids : array-like of shape (n_samples,), int or str, default=None
            Unique ids of the samples, by which they can be found, filtered and removed.

        Returns
        -------
        self : HammingRetriever

        Raises
        ------
        ValueError
            If the lengths of `X`, `y` and `ids` differ, a label could mean something
            else, or an id is no integer or string or occurs twice.
        TypeError, ValueError
            If the encoder gives no codes for an index of codes.
        """
        return self._change(self._indexed, X, y, ids)

    def _indexed(self, X: Any, y: Any, ids: Any) -> RetrieverContents:
        encoder = ITQHasher(64, random_state=0)
        encoder = encoder if self.encoder is None else clone(self.encoder)
        index = HammingNearestNeighbors()
        index = index if self.index is None else clone(self.index)
        codes = encoder.fit(X, y).transform(X)
        if isinstance(index, HammingNearestNeighbors):
            if issparse(codes):
                raise TypeError(
                    "encoder must give codes; got a sparse matrix. Put a hasher behind "
                    "it in a Pipeline, or pass index=RerankedNearestNeighbors()."
                )
            index.packed = is_packed(encoder, codes.shape[1])
            if not index.packed:
                codes = unpack_columns(encoder, codes)
        return RetrieverContents(encoder, index.fit(codes, y, ids))

    @fit_context(prefer_skip_nested_validation=False)
    @substitute(**TEXTS)
    def partial_fit(
        self, X: Any, y: ArrayLike | None = None, ids: ArrayLike | None = None
    ) -> HammingRetriever:
        """Add samples at the end of the index; the encoder stays as it is.

        The first call is a `fit`.

        Parameters
        ----------
        X : sequence or array-like of shape (n_samples, ...)
            Samples: what the encoder takes.
        {new}

        Returns
        -------
        self : HammingRetriever

        Raises
        ------
        ValueError
            If `X`, `y` or `ids` does not fit what is in the index.
        """
        return self._change(self._extended, X, y, ids)

    def _extended(self, X: Any, y: Any, ids: Any) -> RetrieverContents:
        if "_contents" not in self.__dict__:
            return self._indexed(X, y, ids)
        old: RetrieverContents = self._contents
        index = old.index._snapshot().partial_fit(old.encoded(X), y, ids)
        return replace(old, index=index)

    def remove(
        self, indices: ArrayLike | None = None, *, ids: ArrayLike | None = None
    ) -> HammingRetriever:
        """Remove samples from the index; the others keep their order and move up.

        Parameters
        ----------
        indices : array-like of int, default=None
            Indices of the samples to remove.
        ids : array-like of int or str, default=None
            The ids of the samples to remove, in place of `indices`.

        Returns
        -------
        self : HammingRetriever

        Raises
        ------
        NotFittedError
            If there is no index yet.
        ValueError
            If an index is out of range, an id is not in the index, or not exactly one
            of `indices` and `ids` is given.
        """
        self._snapshot()  # raises if there is no index
        return self._change(self._reduced, indices, ids)

    def _reduced(self, indices: Any, ids: Any) -> RetrieverContents:
        old: RetrieverContents = self._contents
        return replace(old, index=old.index._snapshot().remove(indices, ids=ids))

    # Searches -------------------------------------------------------------------------

    def score(self, X: Any, y: ArrayLike) -> float:
        """Return the mean precision among the nearest indexed samples.

        Parameters
        ----------
        X : sequence or array-like of shape (n_queries, ...)
            Queries: what the encoder takes.
        y : array-like of shape (n_queries,) or (n_queries, n_classes)
            Their labels; -1 is not a class.

        Returns
        -------
        precision : float
            In [0, 1]; see :meth:`HammingNearestNeighbors.score`.

        Raises
        ------
        ValueError
            If no indexed sample has a label.
        """
        index, codes = self._asked(X)
        return index.score(codes, y)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        encoder = ITQHasher() if self.encoder is None else self.encoder
        steps = getattr(encoder, "steps", None)
        first = get_tags(steps[0][1] if steps else encoder)
        tags.input_tags = first.input_tags
        return tags
