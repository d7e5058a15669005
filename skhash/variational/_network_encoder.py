"""Encode samples by the network of a fitted hasher, and decode codes."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
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
from skhash.variational.nn._inference import apply_fast, apply_sparse
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
        self, X: Rows, features: Tensor, logits: Tensor
    ) -> tuple[Tensor, NDArray[np.bool_]]:
        """Return logits whose signs are the codes, and which rows may round wrongly."""
        values = logits.cpu().numpy()
        return logits, np.any(near_zero(values, values), axis=1)

    def _activations(self, X: Rows, *, precise: bool = True) -> tuple[Tensor, Tensor]:
        """Return the last hidden layer and the logits of validated samples."""
        device = torch.device(check_device(self.device))
        network = self.network_
        if device.type != "cpu":
            network = copy.deepcopy(network).to(device)
        with torch.inference_mode():
            rows = as_tensor_rows(self.scaler_.scale(X)).to(device)
            return network.encode(rows, precise=precise)

    def _encode(self, X: Rows) -> NDArray[np.bool_]:
        # Single precision takes half the time; rows that it may round wrongly are
        # computed again in double precision.
        blocks = [
            self._fast_bits(take_block(X, block))
            for block in row_blocks(X.shape[0], _ROWS_IN_CACHE)
        ]
        bits, is_uncertain = (np.concatenate(part) for part in zip(*blocks))
        rows = np.flatnonzero(is_uncertain | self.network_.amplifies_rounding())
        for block in row_blocks(len(rows), _ROWS_IN_CACHE):
            again = X[rows[block]]
            logits, _ = self._code_logits(again, *self._activations(again))
            bits[rows[block]] = (settled(logits) > 0).cpu().numpy()
        return bits

    def _fast_bits(self, X: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return bits, and the rows whose bits rounding may have changed."""
        with torch.inference_mode():
            features, logits = self._fast_activations(X)
            logits, is_uncertain = self._code_logits(X, features, logits)
            return logits.cpu().numpy() > 0, is_uncertain

    def _fast_activations(self, X: Rows) -> tuple[Tensor, Tensor]:
        rows = self.scaler_.scale(X)
        network = self.network_
        is_on_cpu = torch.device(check_device(self.device)).type == "cpu"
        if not (
            is_on_cpu and sp.issparse(rows) and type(network.input_layer) is RowLinear
        ):
            return self._activations(X, precise=False)
        hidden = apply_sparse(network.input_layer, rows)
        features = apply_fast(network.hidden_layers, hidden)
        return features, apply_fast(network.logit_layer, features)

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
        logits, _ = self._code_logits(X, *self._activations(X))
        return settled(logits).float().cpu().numpy()

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
