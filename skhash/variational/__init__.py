"""Hashers that are variational autoencoders with binary or thresholded codes."""

from skhash.variational.bernoulli import BernoulliVAEHasher
from skhash.variational.phs import PHSHasher
from skhash.variational.ssbvae import SSBVAEHasher
from skhash.variational.vdsh import VDSHHasher

__all__ = ["BernoulliVAEHasher", "PHSHasher", "SSBVAEHasher", "VDSHHasher"]
