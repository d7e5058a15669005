"""Run the checks of scikit-learn on the estimators of `skhash.neighbors`.

They feed real numbers, which are not codes. So they run twice: with a threshold in
front of the validation of bits, where all must pass, and as they are, where those that
come as far as validating their numbers must fail by just that.
"""

import numpy as np
import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import check_array

from skhash import codes
from skhash.neighbors import (
    HammingNearestNeighbors,
    HammingNeighborsTransformer,
    HammingRadiusNeighborsTransformer,
    _base,
)

ESTIMATORS = [
    HammingNearestNeighbors(),
    HammingNeighborsTransformer(),
    HammingRadiusNeighborsTransformer(),
]

# What check_estimator leaves to the tests of scikit-learn itself.
EXTRA_CHECKS = (
    "check_dataframe_column_names_consistency",
    "check_param_validation",
)
EXTRA_TRANSFORMER_CHECKS = (
    "check_global_output_transform_pandas",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
)

NOT_CODES = "the check feeds real numbers, and codes are zeros and ones"
EXPECTED_FAILED_CHECKS = dict.fromkeys(
    (
        "check_array_api_input",  # run if SCIPY_ARRAY_API is set
        "check_dont_overwrite_parameters",
        "check_dict_unchanged",
        "check_dtype_object",
        "check_estimators_dtypes",
        "check_estimators_fit_returns_self",
        "check_estimators_nan_inf",
        "check_estimators_overwrite_params",
        "check_estimators_pickle",
        "check_f_contiguous_array_estimator",
        "check_fit2d_1feature",
        "check_fit2d_1sample",
        "check_fit2d_predict1d",
        "check_fit_check_is_fitted",
        "check_fit_idempotent",
        "check_fit_score_takes_y",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_n_features_in",
        "check_n_features_in_after_fitting",
        "check_pipeline_consistency",
        "check_positive_only_tag_during_fit",
        "check_readonly_memmap_input",
        "check_transformer_data_not_an_array",
        "check_transformer_general",
        "check_transformer_preserve_dtypes",
        "check_global_output_transform_pandas",
        "check_set_output_transform_pandas",
        "check_global_set_output_transform_polars",
        "check_set_output_transform_polars",
        "check_dataframe_column_names_consistency",
        "check_set_output_transform",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
    ),
    NOT_CODES,
)


#: Checks that fail for codes too, with the reason.
EXPECTED_FAILED_CHECKS_ON_CODES = {
    ("HammingNeighborsTransformer", "check_methods_sample_order_invariance"): (
        "all indexed codes in their order are their own neighbors even where many are "
        "equal; in another order they are plain queries"
    ),
}


def name_of(check):
    return getattr(check, "func", check).__name__


def all_checks():
    for estimator in ESTIMATORS:
        for _, check in estimator_checks_generator(estimator):
            yield pytest.param(
                estimator, check, id=f"{type(estimator).__name__}-{name_of(check)}"
            )
        extra = EXTRA_CHECKS
        if hasattr(estimator, "transform"):
            extra += EXTRA_TRANSFORMER_CHECKS
        for name in extra:
            check = getattr(estimator_checks, name)

            def named(estimator, check=check):
                return check(type(estimator).__name__, estimator)

            named.__name__ = name
            yield pytest.param(
                estimator, named, id=f"{type(estimator).__name__}-{name}"
            )


ALL_CHECKS = list(all_checks())


def check_thresholded(X, *, n_bits=None, name="X"):
    """Validate numbers, then call those above one half ones."""
    numbers = check_array(X, input_name=name, ensure_min_samples=0)
    return codes.check_bits(numbers > 0.5, n_bits=n_bits, name=name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), ALL_CHECKS)
def test_check_on_codes(estimator, check, monkeypatch):
    monkeypatch.setattr(_base, "check_bits", check_thresholded)
    if (type(estimator).__name__, name_of(check)) in EXPECTED_FAILED_CHECKS_ON_CODES:
        with pytest.raises(AssertionError):
            check(estimator)
    else:
        check(estimator)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), ALL_CHECKS)
def test_check_on_numbers(estimator, check):
    if name_of(check) in EXPECTED_FAILED_CHECKS:
        with pytest.raises((ValueError, AssertionError)):
            check(estimator)
    else:
        check(estimator)


def test_codes_of_float_dtype_pass_like_any_other():
    X = np.array([[0.0, 1.0], [1.0, 1.0]])
    assert HammingNearestNeighbors(1).fit(X).kneighbors(X)[0].sum() == 0
