"""Base class of the hashers whose network predicts classes."""

import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from skhash._base import ClassPredictorMixin
from skhash.utils._scaling import Rows
from skhash.variational._base import BaseVAEHasher


class SupervisedVAEHasher(ClassPredictorMixin, BaseVAEHasher):
    """Base class of the hashers whose network has label heads."""

    def _class_scores(self, X: Rows, features: Tensor, logits: Tensor) -> Tensor:
        """Return the scores (n_rows, n_classes) of the label heads."""
        return self.network_.feature_head(features)

    def _class_probabilities(self, X: ArrayLike) -> NDArray:
        def probabilities(hasher: SupervisedVAEHasher, X: Rows) -> NDArray:
            features, logits = (part.cpu().float() for part in hasher._activations(X))
            with torch.inference_mode():
                scores = hasher._class_scores(X, features, logits)
                if hasher.multilabel_:
                    return torch.sigmoid(scores).numpy()
                return torch.softmax(scores, dim=1).numpy()

        return self._in_blocks(X, probabilities)
