"""Types that several modules name."""

from typing import Any, Literal, TypeAlias

import numpy as np

#: Validated samples: a dense array or a sparse one in CSR form. SciPy has no type
#: hints, so that type checkers could not tell the two apart.
Rows: TypeAlias = Any

#: The parameter `random_state`.
Seed: TypeAlias = int | np.random.RandomState | None

#: The parameter `output` of hashers.
Output: TypeAlias = Literal["bits", "packed"]
