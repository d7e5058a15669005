"""The public names of skhash, which __init__.py resolves on first use."""

from skhash import codes as codes
from skhash import datasets as datasets
from skhash import distributed as distributed
from skhash import duplicates as duplicates
from skhash import export as export
from skhash import inspection as inspection
from skhash import io as io
from skhash import metrics as metrics
from skhash import model_selection as model_selection
from skhash import neighbors as neighbors
from skhash import plot as plot
from skhash import shallow as shallow
from skhash import utils as utils
from skhash import variational as variational
from skhash._show_versions import (
    show_versions,
)
from skhash.distributed import (
    ShardedHammingNearestNeighbors,
)
from skhash.duplicates import (
    DuplicateDetector,
)
from skhash.neighbors import (
    HammingNearestNeighbors,
    HammingNeighborsTransformer,
    HammingRadiusNeighborsTransformer,
    HammingRetriever,
    RerankedNearestNeighbors,
)
from skhash.shallow import (
    AnchorGraphHasher,
    CCAITQHasher,
    ClassifierHasher,
    IsotropicHasher,
    ITQHasher,
    KernelSupervisedHasher,
    PCAHasher,
    RandomProjectionHasher,
    RelevantComponentHasher,
    SelfTaughtHasher,
    SemiSupervisedHasher,
    ShiftInvariantKernelHasher,
    SimHasher,
    SpectralHasher,
    SphericalHasher,
    SupervisedDiscreteHasher,
    ThresholdHasher,
)
from skhash.variational import (
    BernoulliVAEHasher,
    MultiViewSSBVAEHasher,
    OriginalSSBVAEHasher,
    PHSHasher,
    SSBVAEHasher,
    VDSHHasher,
)

__version__: str
__all__ = [
    "AnchorGraphHasher",
    "BernoulliVAEHasher",
    "CCAITQHasher",
    "ClassifierHasher",
    "DuplicateDetector",
    "HammingNearestNeighbors",
    "HammingNeighborsTransformer",
    "HammingRadiusNeighborsTransformer",
    "HammingRetriever",
    "ITQHasher",
    "IsotropicHasher",
    "KernelSupervisedHasher",
    "MultiViewSSBVAEHasher",
    "OriginalSSBVAEHasher",
    "PCAHasher",
    "PHSHasher",
    "RandomProjectionHasher",
    "RelevantComponentHasher",
    "RerankedNearestNeighbors",
    "SSBVAEHasher",
    "SelfTaughtHasher",
    "SemiSupervisedHasher",
    "ShardedHammingNearestNeighbors",
    "ShiftInvariantKernelHasher",
    "SimHasher",
    "SpectralHasher",
    "SphericalHasher",
    "SupervisedDiscreteHasher",
    "ThresholdHasher",
    "VDSHHasher",
    "show_versions",
]
