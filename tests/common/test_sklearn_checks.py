"""Run the checks of scikit-learn on every public estimator.

`check_estimator` leaves some checks to the tests of scikit-learn; they run here too.
Every check must pass.
"""

import importlib
import inspect
import pkgutil

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import skhash
from skhash._base import BaseHasher
from tests.common.estimators import ARGUMENTS, ESTIMATORS, HASHERS

EXTRA_CHECKS = (
    "check_dataframe_column_names_consistency",
    "check_param_validation",
)
EXTRA_TRANSFORMER_CHECKS = (
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
)


def extra_checks():
    for estimator in ESTIMATORS:
        names = list(EXTRA_CHECKS)
        if hasattr(estimator, "transform"):
            names += EXTRA_TRANSFORMER_CHECKS
        for name in names:
            yield pytest.param(estimator, name, id=f"{estimator}-{name}")


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("estimator", "check"), list(extra_checks()))
def test_scikit_learn_extra_check(estimator, check):
    getattr(estimator_checks, check)(type(estimator).__name__, estimator)


def test_all_hashers_are_tested():
    defined = set()
    for module in pkgutil.walk_packages(skhash.__path__, "skhash."):
        for _, found in inspect.getmembers(
            importlib.import_module(module.name), inspect.isclass
        ):
            if (
                issubclass(found, BaseHasher)
                and not found.__name__.startswith("_")
                and not inspect.isabstract(found)
            ):
                defined.add(found.__name__)
    assert defined == {type(hasher).__name__ for hasher in HASHERS}
    assert set(ARGUMENTS) <= {type(estimator).__name__ for estimator in ESTIMATORS}


def test_every_estimator_is_public():
    assert {type(each).__name__ for each in ESTIMATORS} <= set(skhash.__all__)
