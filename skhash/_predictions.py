"""What hashers that learned classes say of those of a row."""

from abc import ABCMeta, abstractmethod

import numpy as np
from sklearn.utils import ClassifierTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


def _may_know_classes(hasher):
    """Whether the hasher knows classes, or still can get to know some."""
    if getattr(hasher, "classes_", ()) is None:
        raise AttributeError(
            f"This {type(hasher).__name__} was fitted without labels, so that it "
            "cannot predict any. Fit it with y, -1 where a row has no label."
        )
    return True


class ClassPredictorMixin(metaclass=ABCMeta):
    """Prediction of classes, for hashers that were fitted with labels.

    A subclass gives the probabilities in `_class_probabilities`, and fits `classes_`,
    None without labels, and `multilabel_`.
    """

    @abstractmethod
    def _class_probabilities(self, X):
        """Return the class probabilities (n_samples, n_classes) of raw rows."""

    @available_if(_may_know_classes)
    def predict_proba(self, X):
        """Return the class probabilities of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to classify.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. Rows sum to 1, but for several labels a row,
            where every class is independent of the others.

        Raises
        ------
        AttributeError
            If the hasher was fitted without labels.
        """
        check_is_fitted(self)
        return self._class_probabilities(X)

    @available_if(_may_know_classes)
    def predict(self, X):
        """Predict the class, or the classes, of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to classify.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The most likely class; for several labels a row an indicator of those with
            a probability above 1/2.

        Raises
        ------
        AttributeError
            If the hasher was fitted without labels.
        """
        probabilities = self.predict_proba(X)
        if self.multilabel_:
            return (probabilities > 0.5).astype(np.int64)
        return self.classes_[probabilities.argmax(axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Not of type "classifier", but one that asks for probabilities looks here.
        tags.classifier_tags = ClassifierTags()
        return tags
