"""Hashers that are variational autoencoders with binary or thresholded codes."""

from skhash.variational._bernoulli import BernoulliVAEHasher
from skhash.variational._code_assigner import CodeAssigner
from skhash.variational._multi_view import MultiViewSSBVAEHasher
from skhash.variational._phs import PHSHasher
from skhash.variational._ssbvae import SSBVAEHasher
from skhash.variational._ssbvae_original import OriginalSSBVAEHasher
from skhash.variational._vdsh import VDSHHasher
from skhash.variational.pseudo_labels._pseudo_labeler import PseudoLabeler

__all__ = [
    "BernoulliVAEHasher",
    "CodeAssigner",
    "MultiViewSSBVAEHasher",
    "OriginalSSBVAEHasher",
    "PHSHasher",
    "PseudoLabeler",
    "SSBVAEHasher",
    "VDSHHasher",
]
