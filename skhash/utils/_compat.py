"""Import what has moved between versions, or is not public, in this module only."""

from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils._openmp_helpers import (
    _openmp_effective_n_threads as openmp_effective_n_threads,
)
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
)
from sklearn.utils.sparsefuncs_fast import (
    inplace_csr_row_normalize_l1,
    inplace_csr_row_normalize_l2,
)
from sklearn.utils.validation import _get_feature_names as get_feature_names
from sklearn.utils.validation import _num_samples as num_samples

try:
    import cloudpickle
except ImportError:  # Before version 1.6, joblib has its own copy.
    from joblib.externals import cloudpickle
try:  # The table of fitted attributes of HTML representations, new in version 1.9.
    from sklearn.utils._repr_html.fitted_attributes import AttrsDict
except ImportError:
    AttrsDict = dict

__all__ = [
    "AttrsDict",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "cloudpickle",
    "fit_context",
    "get_feature_names",
    "inplace_csr_row_normalize_l1",
    "inplace_csr_row_normalize_l2",
    "is_pandas_na",
    "is_scalar_nan",
    "num_samples",
    "openmp_effective_n_threads",
    "safe_indexing",
]
