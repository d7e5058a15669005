"""Find axes, encode samples, and share docstrings of displays."""

from typing import Any

from skhash._packed_columns import final_estimator, unpack_columns

__all__ = ["TEXTS", "Display", "encode", "estimator_name"]

TEXTS = {
    "estimator": """
        estimator : estimator
            A fitted hasher, or a Pipeline that ends in one.
        """,
    "samples": """
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples of the database.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Their labels, -1 for an unlabeled sample.
        X_query : {array-like, sparse matrix} of shape (n_queries, n_features), \
                default=None
            The queries. If None, every sample queries all others.
        y_query : array-like of shape (n_queries,) or (n_queries, n_classes), \
                default=None
            The labels of the queries.
        """,
    "codes": """
        codes : array-like of shape (n_samples, n_bits)
            The codes of the database, zeros and ones; vectors with another `metric`.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Their labels, -1 for an unlabeled sample.
        query_codes : array-like of shape (n_queries, n_bits), default=None
            The codes of the queries. If None, every sample queries all others.
        y_query : array-like of shape (n_queries,) or (n_queries, n_classes), \
                default=None
            The labels of the queries.
        """,
    "name": """
        name : str, default=None
            The label in the legend. If None, that of the estimator or no label.
        """,
    "pairs": """
        n_pairs : int, default=200_000
            Number of pairs that are drawn if there are more.
        random_state : int or None, default=0
            Seed of the draw.
        """,
    "ax": """
        ax : matplotlib Axes, default=None
            Where to plot. If None, a new figure is made.
        """,
    "kwargs": """
        **kwargs : dict
            Passed to the function of matplotlib that draws.
        """,
    "attributes": """
        ax_ : matplotlib Axes
            The axes with the plot.
        figure_ : matplotlib Figure
            Their figure.
        """,
}


class Display:
    """Find the axes of a display."""

    ax_: Any
    figure_: Any

    def _import_pyplot(self) -> Any:
        """Return pyplot; raise with advice if matplotlib is not installed."""
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError(
                f"{type(self).__name__} needs matplotlib, which is not installed. "
                "Install it with: pip install 'scikit-hash[plot]'."
            ) from error
        return plt

    def _set_axes(self, ax: Any) -> Any:
        """Return the given axes or new ones, and keep them."""
        plt = self._import_pyplot()
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax


def encode(estimator: Any, X: Any) -> Any:
    """Return the bits of samples, None for None."""
    return None if X is None else unpack_columns(estimator, estimator.transform(X))


def estimator_name(estimator: Any, name: str | None) -> str:
    """Return the given name, or that of the class of the last estimator."""
    return type(final_estimator(estimator)).__name__ if name is None else name
