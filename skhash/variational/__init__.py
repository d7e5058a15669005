"""Hashers that are variational autoencoders with binary or thresholded codes."""

from skhash.variational.ssbvae import SSBVAEHasher

__all__ = ["SSBVAEHasher"]
