"""Plot the training of hashers with a network."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skhash._packed_columns import final_estimator
from skhash.plot._display import TEXTS, Display
from skhash.utils._docstrings import substitute

__all__ = ["LossDisplay"]

# What the history of an epoch has besides the terms of the loss.
_NO_TERMS = ("epoch", "dur", "train_loss")


@substitute(**TEXTS)
class LossDisplay(Display):
    """Plot the terms of the loss against the epoch.

    Parameters
    ----------
    epochs : ndarray of shape (n_epochs,)
        The numbers of the epochs.
    losses : dict of str to ndarray of shape (n_epochs,)
        The weighted mean of each term of the loss per epoch, in nats per sample; NaN
        in an epoch without the term.

    Attributes
    ----------
    {attributes}
    """

    def __init__(self, epochs: NDArray, losses: dict[str, NDArray]):
        self.epochs = epochs
        self.losses = losses

    @classmethod
    @substitute(**TEXTS)
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> Self:
        """Plot the history of a fitted hasher.

        Parameters
        ----------
        estimator : estimator
            A fitted hasher with a network, or a Pipeline that ends in one.
        {ax}
        {kwargs}

        Returns
        -------
        display : LossDisplay

        Raises
        ------
        TypeError
            If the hasher has no network.
        """
        hasher = final_estimator(estimator)
        check_is_fitted(hasher)
        if not hasattr(hasher, "history_"):
            raise TypeError(
                "estimator must be a hasher with a network, which has history_; got "
                f"{type(hasher).__name__}."
            )
        return cls.from_history(hasher.history_, ax=ax, **kwargs)

    @classmethod
    @substitute(**TEXTS)
    def from_history(
        cls, history: Sequence[dict[str, float]], *, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Plot a history.

        Parameters
        ----------
        history : sequence of dict
            One per epoch, as in the attribute `history_` of hashers with a network.
        {ax}
        {kwargs}

        Returns
        -------
        display : LossDisplay
        """
        terms = dict.fromkeys(key for epoch in history for key in epoch)
        losses = {
            term: np.array([epoch.get(term, np.nan) for epoch in history])
            for term in terms
            if term not in _NO_TERMS
        }
        epochs = np.array([epoch["epoch"] for epoch in history])
        return cls(epochs, losses).plot(ax=ax, **kwargs)

    @substitute(**TEXTS)
    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot one line per term.

        Parameters
        ----------
        {ax}
        {kwargs}

        Returns
        -------
        self : LossDisplay
        """
        ax = self._set_axes(ax)
        for term, values in self.losses.items():
            ax.plot(self.epochs, values, **{"marker": "o", "label": term} | kwargs)
        ax.set(xlabel="epoch", ylabel="loss per sample, nats", yscale="log")
        ax.legend()
        return self
