"""The public names of skhash, as __init__.py resolves them on first use."""

from skhash import codes as codes
from skhash import datasets as datasets
from skhash import metrics as metrics
from skhash import model_selection as model_selection
from skhash import neighbors as neighbors
from skhash import shallow as shallow
from skhash import utils as utils
from skhash import variational as variational
from skhash._show_versions import (
    show_versions as show_versions,
)
from skhash.neighbors import (
    HammingNearestNeighbors as HammingNearestNeighbors,
)
from skhash.neighbors import (
    HammingNeighborsTransformer as HammingNeighborsTransformer,
)
from skhash.neighbors import (
    RerankedNearestNeighbors as RerankedNearestNeighbors,
)
from skhash.shallow import (
    AnchorGraphHasher as AnchorGraphHasher,
)
from skhash.shallow import (
    CCAITQHasher as CCAITQHasher,
)
from skhash.shallow import (
    ClassifierHasher as ClassifierHasher,
)
from skhash.shallow import (
    IsotropicHasher as IsotropicHasher,
)
from skhash.shallow import (
    ITQHasher as ITQHasher,
)
from skhash.shallow import (
    KernelSupervisedHasher as KernelSupervisedHasher,
)
from skhash.shallow import (
    PCAHasher as PCAHasher,
)
from skhash.shallow import (
    RandomProjectionHasher as RandomProjectionHasher,
)
from skhash.shallow import (
    SelfTaughtHasher as SelfTaughtHasher,
)
from skhash.shallow import (
    SemiSupervisedHasher as SemiSupervisedHasher,
)
from skhash.shallow import (
    ShiftInvariantKernelHasher as ShiftInvariantKernelHasher,
)
from skhash.shallow import (
    SpectralHasher as SpectralHasher,
)
from skhash.shallow import (
    SphericalHasher as SphericalHasher,
)
from skhash.shallow import (
    SupervisedDiscreteHasher as SupervisedDiscreteHasher,
)
from skhash.shallow import (
    ThresholdHasher as ThresholdHasher,
)
from skhash.variational import (
    BernoulliVAEHasher as BernoulliVAEHasher,
)
from skhash.variational import (
    OriginalSSBVAEHasher as OriginalSSBVAEHasher,
)
from skhash.variational import (
    PHSHasher as PHSHasher,
)
from skhash.variational import (
    SSBVAEHasher as SSBVAEHasher,
)
from skhash.variational import (
    VDSHHasher as VDSHHasher,
)

__version__: str
__all__ = [
    "AnchorGraphHasher",
    "BernoulliVAEHasher",
    "CCAITQHasher",
    "ClassifierHasher",
    "HammingNearestNeighbors",
    "HammingNeighborsTransformer",
    "ITQHasher",
    "IsotropicHasher",
    "KernelSupervisedHasher",
    "OriginalSSBVAEHasher",
    "PCAHasher",
    "PHSHasher",
    "RandomProjectionHasher",
    "RerankedNearestNeighbors",
    "SSBVAEHasher",
    "SelfTaughtHasher",
    "SemiSupervisedHasher",
    "ShiftInvariantKernelHasher",
    "SpectralHasher",
    "SphericalHasher",
    "SupervisedDiscreteHasher",
    "ThresholdHasher",
    "VDSHHasher",
    "show_versions",
]
