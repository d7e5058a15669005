"""Check the list of classes: all exist, and none runs code when it is loaded."""

import pickle

import pytest
from sklearn.base import BaseEstimator
from sklearn.feature_selection import chi2
from sklearn.pipeline import Pipeline

import skhash
from skhash.io import InvalidFileError
from skhash.io import _classes as classes


@pytest.mark.parametrize("name", [*classes._SKHASH, *skhash.__all__])
def test_classes_of_skhash(name):
    if not isinstance(getattr(skhash, name, object), type):
        with pytest.raises(InvalidFileError, match="unknown class"):
            classes.named_class(f"skhash.{name}")
        return
    found = classes.named_class(f"skhash.{name}")
    assert found.__name__ == name
    assert classes.class_name(found) == f"skhash.{name}"


@pytest.mark.parametrize("name", classes._SKLEARN_MODULES)
def test_classes_of_scikit_learn(name):
    found = classes.named_class(f"sklearn.{name}")
    assert classes.class_name(found) == f"sklearn.{name}"
    # The state is set as attributes, and the version of scikit-learn is compared.
    if issubclass(found, BaseEstimator):
        assert found.__setstate__ is BaseEstimator.__setstate__
        assert found.__getstate__ is BaseEstimator.__getstate__
    else:
        assert not hasattr(found, "__setstate__")


@pytest.mark.parametrize("name", classes._LAYERS)
def test_layers(name):
    found = classes.named_layer(name)
    assert classes.layer_name(found) == name


def test_functions():
    assert classes.function_name(chi2) == "sklearn.chi2"
    assert classes.named_function("sklearn.chi2") is chi2
    assert classes.function_name(eval) is None


@pytest.mark.parametrize(
    "name",
    [
        *("builtins.eval", "os.system", "sklearn.os", "skhash.importlib", "skhash.io"),
        *("sklearn.pipeline.Pipeline", "Pipeline", "torch.Linear", "skhash."),
        *(None, 3, ["skhash"], {}, "skhash.__class__", "sklearn.chi2", ""),
    ],
)
def test_other_names(name):
    with pytest.raises(InvalidFileError, match="unknown class"):
        classes.named_class(name)


def test_a_class_of_the_same_name():
    """Another class of that name is not accepted."""
    impostor = type("Pipeline", (), {"__module__": "sklearn.pipeline"})
    assert classes.class_name(Pipeline) == "sklearn.Pipeline"
    assert classes.class_name(impostor) is None
    assert classes.class_name(pickle.Pickler) is None
    assert classes.class_name(type("Odd", (), {"__module__": 3})) is None
