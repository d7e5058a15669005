"""Find every public estimator, with the parameters to check it with.

The estimators are those in `__all__` of PACKAGES, so that a new one needs no line here.
"""

import importlib
import inspect

from sklearn.base import BaseEstimator
from sklearn.preprocessing import Normalizer

from skhash._base import BaseHasher
from skhash.neighbors import HammingNearestNeighbors, RerankedNearestNeighbors
from skhash.shallow import ITQHasher

# The estimators of skhash.neighbors take codes, which the checks of scikit-learn do not
# pass; tests/common/test_neighbors.py checks them.
PACKAGES = (
    "skhash.shallow",
    "skhash.variational",
    "skhash.neighbors._reranked",
    "skhash.neighbors._retriever",
)

# Parameters to check an estimator with, several sets if need be. A hasher that is not
# listed is checked with 2 bits, any other estimator with its defaults.
ARGUMENTS = {
    "AnchorGraphHasher": [{"n_bits": 2}, {"n_bits": 2, "n_layers": 2}],
    "ClassifierHasher": [
        {"n_bits": 2},
        {"n_bits": 8, "pseudo_labels": "label_spreading"},
    ],
    "HammingRetriever": [
        {"encoder": ITQHasher(2), "index": HammingNearestNeighbors(1)},
        {
            "encoder": Normalizer(),
            "index": RerankedNearestNeighbors(ITQHasher(2), n_neighbors=1),
        },
    ],
    "ITQHasher": [{"n_bits": 2}, {"n_bits": 40}],
    "PCAHasher": [{"n_bits": 1}, {"n_bits": 2}],
    "RandomProjectionHasher": [
        {"n_bits": 4},
        {"n_bits": 4, "distribution": "sparse"},
    ],
    "RerankedNearestNeighbors": [{"hasher": ITQHasher(2), "n_neighbors": 1}],
    "SemiSupervisedHasher": [{"n_bits": 2}, {"n_bits": 2, "method": "orthogonal"}],
    "ThresholdHasher": [
        {},
        {"n_bits": 2},
        {"threshold": "mean"},
        {"threshold": "auto"},
    ],
    "BernoulliVAEHasher": [{"n_bits": 4, "max_epochs": 3}],
    "MultiViewSSBVAEHasher": [{"n_bits": 4, "max_epochs": 3}],
    "OriginalSSBVAEHasher": [{"n_bits": 4, "max_epochs": 3}],
    "PHSHasher": [{"n_bits": 4, "max_epochs": 3}],
    "SSBVAEHasher": [{"n_bits": 4, "max_epochs": 3}],
    "VDSHHasher": [{"n_bits": 4, "max_epochs": 3}],
}

# Parts of SSBVAEHasher, which cannot be fitted to samples by themselves.
COLLABORATORS = {"CodeAssigner", "PseudoLabeler"}


def public_estimators():
    """Yield the public estimator classes."""
    for package in map(importlib.import_module, PACKAGES):
        for name in getattr(package, "__all__", ()):
            found = getattr(package, name)
            is_estimator = inspect.isclass(found) and issubclass(found, BaseEstimator)
            if is_estimator and name not in COLLABORATORS:
                yield found


def instances(estimator_class):
    """Yield the instances of an estimator class to check."""
    default = {"n_bits": 2} if issubclass(estimator_class, BaseHasher) else {}
    for arguments in ARGUMENTS.get(estimator_class.__name__, [default]):
        yield estimator_class(**arguments)


ESTIMATORS = [each for found in public_estimators() for each in instances(found)]
HASHERS = [each for each in ESTIMATORS if isinstance(each, BaseHasher)]
