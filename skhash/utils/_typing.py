"""Types that several modules name."""

from typing import Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

#: Validated samples: dense, or sparse in CSR form.
Rows: TypeAlias = NDArray | sp.csr_array | sp.csr_matrix

#: The parameter `random_state`.
Seed: TypeAlias = int | np.random.RandomState | None

#: The parameter `output` of hashers.
Output: TypeAlias = Literal["bits", "packed"]
