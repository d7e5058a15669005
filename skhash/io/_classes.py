"""List the classes whose objects files may hold, by the names that files use.

Only these are looked up when a file is loaded. A name has the module that documents a
class, not the private one that defines it, so that classes may move.
"""

import importlib
from typing import Any

import skhash
from skhash.io._file import InvalidFileError

# Name -> module of what the public estimators of skhash hold.
_SKHASH = {
    "BufferEnd": "skhash._hamming._storage",
    "ClusterEnsemble": "skhash.variational.pseudo_labels._clusters",
    "CodeAssigner": "skhash.variational._code_assigner",
    "CodeMixer": "skhash.variational._code_mixer",
    "ContentSpace": "skhash.variational._content_space",
    "Contents": "skhash.neighbors._contents",
    "DenseVectors": "skhash.neighbors._vectors",
    "DistinctRows": "skhash.duplicates._pairs",
    "GlobalStandardScaler": "skhash.utils._scaling",
    "GrowingArray": "skhash.neighbors._growing",
    "HammingBlocker": "skhash.duplicates._blocking",
    "Ids": "skhash.neighbors._ids",
    "LabelLookup": "skhash.variational.pseudo_labels._label_lookup",
    "Labels": "skhash.neighbors._growing",
    "LatentSpace": "skhash.variational.pseudo_labels._graph",
    "NormScaler": "skhash.utils._scaling",
    "Pairs": "skhash.duplicates._pairs",
    "PseudoLabeler": "skhash.variational.pseudo_labels._pseudo_labeler",
    "RerankedContents": "skhash.neighbors._reranked",
    "RetrieverContents": "skhash.neighbors._retriever_search",
    "SparseVectors": "skhash.neighbors._vectors",
    "Trainer": "skhash.variational._trainer",
    "TrainingTask": "skhash.variational._trainer",
    "ViewClassifier": "skhash.variational.pseudo_labels._view_models",
    "ViewLatentSpace": "skhash.variational.pseudo_labels._view_models",
    "ViewScaler": "skhash.utils._views",
    "WordClassifier": "skhash.variational.pseudo_labels._word_classifier",
    "WordShingleVectorizer": "skhash.duplicates._shingles",
}

# Layers of networks: name -> module.
_LAYERS = {
    "skhash.BernoulliAutoencoder": "skhash.variational.nn._networks",
    "skhash.CodeLinear": "skhash.variational.nn._networks",
    "skhash.CodewordHead": "skhash.variational.nn._networks",
    "skhash.Dropout": "skhash.variational.nn._dense_ops",
    "skhash.GaussianAutoencoder": "skhash.variational.nn._networks",
    "skhash.Linear": "skhash.variational.nn._dense_ops",
    "skhash.MultiViewAutoencoder": "skhash.variational.nn._view_layers",
    "skhash.ViewLinear": "skhash.variational.nn._view_layers",
    "skhash.RowLinear": "skhash.variational.nn._sparse_layer",
    "torch.BatchNorm1d": "torch.nn",
    "torch.Linear": "torch.nn",
    "torch.ModuleList": "torch.nn",
    "torch.ReLU": "torch.nn",
    "torch.Sequential": "torch.nn",
}

# Module -> classes of scikit-learn. All keep their state in plain attributes.
_SKLEARN = {
    "sklearn.compose": ("ColumnTransformer", "make_column_selector"),
    "sklearn.decomposition": (
        *("FactorAnalysis", "FastICA", "IncrementalPCA", "KernelPCA"),
        *("LatentDirichletAllocation", "MiniBatchNMF", "NMF", "PCA", "TruncatedSVD"),
    ),
    "sklearn.discriminant_analysis": ("LinearDiscriminantAnalysis",),
    "sklearn.feature_extraction": ("DictVectorizer", "FeatureHasher"),
    "sklearn.feature_extraction.text": (
        *("CountVectorizer", "HashingVectorizer", "TfidfTransformer"),
        "TfidfVectorizer",
    ),
    "sklearn.feature_selection": (
        *("SelectKBest", "SelectPercentile", "VarianceThreshold"),
    ),
    "sklearn.frozen": ("FrozenEstimator",),
    "sklearn.impute": ("MissingIndicator", "SimpleImputer"),
    "sklearn.kernel_approximation": (
        *("AdditiveChi2Sampler", "Nystroem", "PolynomialCountSketch", "RBFSampler"),
        "SkewedChi2Sampler",
    ),
    "sklearn.linear_model": ("LogisticRegression", "Ridge", "RidgeClassifier"),
    "sklearn.naive_bayes": ("ComplementNB", "MultinomialNB"),
    "sklearn.pipeline": ("FeatureUnion", "Pipeline"),
    "sklearn.preprocessing": (
        *("Binarizer", "FunctionTransformer", "KBinsDiscretizer", "KernelCenterer"),
        *("LabelBinarizer", "LabelEncoder", "MaxAbsScaler", "MinMaxScaler"),
        *("MultiLabelBinarizer", "Normalizer", "OneHotEncoder", "OrdinalEncoder"),
        *("PolynomialFeatures", "PowerTransformer", "QuantileTransformer"),
        *("RobustScaler", "StandardScaler", "TargetEncoder"),
    ),
    "sklearn.random_projection": (
        *("GaussianRandomProjection", "SparseRandomProjection"),
    ),
    "sklearn.svm": ("LinearSVC",),
}
_SKLEARN_MODULES = {name: module for module in _SKLEARN for name in _SKLEARN[module]}

# Functions that are parameters of the classes above.
_FUNCTIONS = {
    f"sklearn.{name}": "sklearn.feature_selection"
    for name in (
        *("chi2", "f_classif", "f_regression"),
        *("mutual_info_classif", "mutual_info_regression"),
    )
}


def class_name(cls: type) -> str | None:
    """Return the name of a listed class, None for any other."""
    return _name(cls, _module_of_class)


def named_class(name: Any) -> type:
    """Return the listed class of a name; raise InvalidFileError for any other."""
    found = _find(name, _module_of_class)
    if not isinstance(found, type):
        raise InvalidFileError(f"it holds an object of an unknown class, {name!r:.60}.")
    return found


def layer_name(cls: type) -> str | None:
    """Return the name of a listed layer of networks, None for any other class."""
    return _name(cls, _LAYERS.get)


def named_layer(name: Any) -> type:
    """Return the listed layer of a name; raise InvalidFileError for any other."""
    return _listed(name, _LAYERS.get, "layer")


def function_name(function: Any) -> str | None:
    """Return the name of a listed function, None for any other object."""
    return _name(function, _FUNCTIONS.get)


def named_function(name: Any) -> Any:
    """Return the listed function of a name; raise InvalidFileError for any other."""
    return _listed(name, _FUNCTIONS.get, "function")


def _module_of_class(name: str) -> str | None:
    library, _, short = name.partition(".")
    if library == "skhash":
        is_public = short in skhash.__all__
        return "skhash" if is_public else _SKHASH.get(short)
    return _SKLEARN_MODULES.get(short) if library == "sklearn" else None


def _name(obj: Any, module_of: Any) -> str | None:
    module, name = getattr(obj, "__module__", None), getattr(obj, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    full_name = f"{module.partition('.')[0]}.{name}"
    return full_name if _find(full_name, module_of) is obj else None


def _listed(name: Any, module_of: Any, kind: str) -> Any:
    found = _find(name, module_of)
    if found is None:
        raise InvalidFileError(f"it holds an unknown {kind}, {name!r:.60}.")
    return found


def _find(name: Any, module_of: Any) -> Any:
    module = module_of(name) if isinstance(name, str) else None
    if module is None:
        return None
    return getattr(importlib.import_module(module), name.partition(".")[2], None)
