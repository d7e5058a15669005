"""What a trained network makes of rows: codes, probabilities, classes, and back."""

import copy

import numpy as np
import torch
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from skhash._base import ROWS_PER_BLOCK, BaseHasher, ClassPredictorMixin
from skhash.codes import check_bits, unpack_bits
from skhash.variational._validation import check_device
from skhash.variational.nn._batches import as_tensor_rows

# What is nearer to 0 than this share of the largest is computed again, precisely: a
# hundred times what the order of a sum changes in single precision.
_NEAR_ZERO = 1e-4
# Rows whose activations fit into the cache, all layers together.
_ROWS_IN_CACHE = 2048


def near_zero(values, among):
    """Tell which values, next to others computed alike, rounding may give a sign."""
    return values.abs() < _NEAR_ZERO * among.abs().amax().clamp_min(1)


class NetworkHasher(ClassPredictorMixin, BaseHasher):
    """Base class of the hashers whose codes a fitted `network_` gives.

    A subclass fits `network_`, `scaler_`, `classes_`, `multilabel_` and
    `reconstruction_`, and has the parameters `n_bits`, `device` and `output`.
    """

    _parameter_constraints: dict = {
        **BaseHasher._parameter_constraints,
        "device": [str],
    }

    def _device(self):
        return check_device(self.device)

    def _activations(self, X, *, precise=True):
        """Return features and logits of validated rows, as the network encodes them."""
        device = torch.device(self._device())
        network = self.network_
        if device.type != "cpu":
            network = copy.deepcopy(network).to(device)
        with torch.inference_mode():
            rows = as_tensor_rows(self.scaler_.scale(X)).to(device)
            return network.encode(rows, precise=precise)

    def _class_scores(self, features, logits):
        """Return the scores (n_rows, n_classes) of the label heads that learned."""
        return self.network_.feature_head(features)

    def _code_logits(self, X, features, logits):
        """Return logits whose signs are the code, and which rows rounding may change.

        A subclass may make of rows, features and logits what it wants, row by row.
        """
        return logits, near_zero(logits, logits).any(dim=1)

    def _encode(self, X):
        # Single precision, in half the time, but where it could err.
        parts = [
            self._fast_bits(X[rows]) for rows in gen_batches(X.shape[0], _ROWS_IN_CACHE)
        ]
        bits, in_doubt = (np.concatenate(part) for part in zip(*parts, strict=True))
        rows = np.flatnonzero(in_doubt)
        if len(rows):
            logits, _ = self._code_logits(X[rows], *self._activations(X[rows]))
            bits[rows] = (logits > 0).cpu().numpy()
        return bits

    def _fast_bits(self, X):
        """Return the bits of rows, and which rows rounding may have changed."""
        logits, in_doubt = self._code_logits(X, *self._activations(X, precise=False))
        return (logits > 0).cpu().numpy(), in_doubt.cpu().numpy()

    def _in_blocks(self, X, function):
        """Apply a function of validated rows to blocks of raw ones."""
        check_is_fitted(self)
        X = self._check_rows(X, reset=False)
        return np.concatenate(
            [function(X[rows]) for rows in gen_batches(X.shape[0], ROWS_PER_BLOCK)]
        )

    def encode_proba(self, X):
        """Return how likely each bit is one.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to encode.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_bits), float32
            In [0, 1]; :meth:`transform` sets the bits above 1/2.
        """

        def probabilities(X):
            logits, _ = self._code_logits(X, *self._activations(X))
            return torch.sigmoid(logits).float().cpu().numpy()

        return self._in_blocks(X, probabilities)

    def inverse_transform(self, X):
        """Return the rows that the decoder sees behind codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits) or (n_samples, n_bytes)
            Codes, in the form that `output` says.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features), float32
            For a softmax decoder a distribution over the features, which sums to 1;
            for a Gaussian one the expected features in their original units.

        Raises
        ------
        ValueError
            If `X` holds anything but codes of `n_bits` bits.
        """
        check_is_fitted(self)
        bits = (
            unpack_bits(X, self.n_bits)
            if self.output == "packed"
            else check_bits(X, n_bits=self.n_bits)
        )
        with torch.inference_mode():
            decoded = self.network_.decode(torch.from_numpy(bits.astype(np.float32)))
            if self.reconstruction_ == "softmax":
                return torch.softmax(decoded, dim=1).numpy()
        return self.scaler_.inverse(decoded.numpy())

    def _class_probabilities(self, X):
        def probabilities(X):
            features, logits = (part.cpu().float() for part in self._activations(X))
            with torch.inference_mode():
                scores = self._class_scores(features, logits)
                if self.multilabel_:
                    return torch.sigmoid(scores).numpy()
                return torch.softmax(scores, dim=1).numpy()

        return self._in_blocks(X, probabilities)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "network_")
