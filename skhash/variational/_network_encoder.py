"""Encode samples by the network of a fitted hasher, and decode codes."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skhash._base import BaseHasher
from skhash.codes import check_bits, unpack_bits
from skhash.utils._rows import row_blocks, take_block
from skhash.utils._scaling import Rows
from skhash.utils._state import snapshot
from skhash.variational._validation import check_device
from skhash.variational.nn._dense_ops import near_zero, settled
from skhash.variational.nn._inference import FastEncoder
from skhash.variational.nn._rows import as_tensor_rows
from skhash.variational.nn._sparse_layer import RowLinear

# Samples whose activations in all layers fit into the cache.
_ROWS_IN_CACHE = 2048


class NetworkEncoder(BaseHasher):
    """Base class of the hashers whose codes a fitted network makes.

    A subclass fits `network_`, `scaler_` and `reconstruction_`, and has the parameters
    `n_bits`, `device` and `output`.
    """

    network_: Any
    scaler_: Any

    _parameter_constraints: dict = {
        **BaseHasher._parameter_constraints,
        "device": [str],
    }

    def _code_logits(
        self, X: Rows, rows: Rows, features: NDArray, logits: NDArray
    ) -> tuple[NDArray, NDArray[np.bool_]]:
        """Return logits whose signs are the codes, and which rows may round wrongly.

        Of samples, the scaled samples, their last hidden layer and their logits.
        """
        return logits, np.any(near_zero(logits, logits), axis=1)

    def _activations(self, X: Rows, *, precise: bool = True) -> tuple[Tensor, Tensor]:
        """Return the last hidden layer and the logits of validated samples."""
        return self._activations_of_rows(self.scaler_.scale(X), precise=precise)

    def _fast_arrays(self, X: Rows) -> tuple[NDArray, NDArray]:
        """Return the same in single precision, as arrays."""
        features, logits = self._activations(X, precise=False)
        return features.cpu().numpy(), logits.cpu().numpy()

    def _activations_of_rows(
        self, rows: Rows, *, precise: bool
    ) -> tuple[Tensor, Tensor]:
        device = torch.device(check_device(self.device))
        network = self.network_
        if device.type != "cpu":
            network = copy.deepcopy(network).to(device)
        with torch.inference_mode():
            return network.encode(as_tensor_rows(rows).to(device), precise=precise)

    def _encode(self, X: Rows) -> NDArray[np.bool_]:
        # Single precision takes half the time; rows that it may round wrongly are
        # computed again in double precision.
        parts = [
            self._fast_bits(take_block(X, block))
            for block in row_blocks(X.shape[0], _ROWS_IN_CACHE)
        ]
        bits, is_uncertain = map(np.concatenate, zip(*parts))
        uncertain = np.flatnonzero(is_uncertain)
        for block in row_blocks(len(uncertain), _ROWS_IN_CACHE):
            again = uncertain[block]
            bits[again] = self._precise_logits(X[again]) > 0
        return bits

    def _fast_bits(self, X: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return bits, and the rows whose bits rounding may have changed."""
        rows = self.scaler_.scale(X)
        encoder = self._fast_encoder
        if encoder is None:
            activations = self._activations_of_rows(rows, precise=False)
            features, logits = (part.cpu().numpy() for part in activations)
            amplifies_rounding = self.network_.amplifies_rounding()
        else:
            rows = rows.astype(np.float32, copy=False)
            features, logits = encoder.encode(rows)
            amplifies_rounding = encoder.amplifies_rounding
        logits, is_uncertain = self._code_logits(X, rows, features, logits)
        return logits > 0, is_uncertain | amplifies_rounding

    @property
    def _fast_encoder(self) -> FastEncoder | None:
        is_on_cpu = self.device == "cpu" or check_device(self.device) == "cpu"
        if is_on_cpu and type(self.network_.input_layer) is RowLinear:
            return self.network_.fast_encoder
        return None

    def _precise_logits(self, X: Rows) -> NDArray[np.float64]:
        """Return logits whose signs are the codes, whatever other rows there are."""
        rows = self.scaler_.scale(X)
        activations = self._activations_of_rows(rows, precise=True)
        features, logits = (part.cpu().numpy() for part in activations)
        return settled(self._code_logits(X, rows, features, logits)[0])

    def _in_blocks(
        self, X: ArrayLike, function: Callable[["NetworkEncoder", Rows], NDArray]
    ) -> NDArray:
        """Apply a function of the hasher and validated samples to blocks of samples."""
        hasher = snapshot(self)
        check_is_fitted(hasher)
        samples = hasher._check_samples(X, reset=False)
        return np.concatenate(
            [
                function(hasher, take_block(samples, block))
                for block in row_blocks(samples.shape[0])
            ]
        )

    def _decision_values(self, X: Rows) -> NDArray[np.float32]:
        return self._precise_logits(X).astype(np.float32)

    def encode_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the probability of a 1 for each bit.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples to encode.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_bits), float32
            In [0, 1]; :meth:`transform` sets the bits above 1/2.
        """
        return expit(self.decision_function(X))

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the samples that the decoder reconstructs from codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits) or (n_samples, n_bytes)
            Codes, in the form that `output` names.

        Returns
        -------
        samples : ndarray of shape (n_samples, n_features), float32
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
            decoded = self.network_.decode(self._network_bits(bits))
        return self.scaler_.inverse(decoded.numpy())

    def _network_bits(self, bits: NDArray[np.uint8]) -> Tensor:
        """Return the input of the decoder, in [0, 1], for codes."""
        return torch.from_numpy(bits.astype(np.float32))
