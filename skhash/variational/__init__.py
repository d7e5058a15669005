"""Hashers that are variational autoencoders with binary or thresholded codes."""

from skhash.variational._bernoulli import BernoulliVAEHasher
from skhash.variational._phs import PHSHasher
from skhash.variational._ssbvae import SSBVAEHasher
from skhash.variational._vdsh import VDSHHasher

__all__ = ["BernoulliVAEHasher", "PHSHasher", "SSBVAEHasher", "VDSHHasher"]
