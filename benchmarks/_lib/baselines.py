"""Rank the database by baselines that use no learned codes.

Each baseline is a function of a task, the partial labels and a seed. It returns the
vectors of the database, those of the queries, and the metric that ranks them.
"""

import warnings

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

_LATENT_DIMENSIONS = 200


def float_cosine(task, y, seed):
    """Rank by the cosine similarity of the features."""
    return task.X_index, task.X_query, "cosine"


def random_ranking(task, y, seed):
    """Let all samples tie: tie-aware measures average over random orders."""
    codes = [np.zeros((X.shape[0], 1), np.uint8) for X in (task.X_index, task.X_query)]
    return *codes, "hamming"


def sign_quantization(task, y, seed):
    """Binarize each feature by its sign, as encoders of embeddings do."""
    from skhash import ThresholdHasher

    hasher = ThresholdHasher().fit(task.X_fit)
    codes = [hasher.transform(X) for X in (task.X_index, task.X_query)]
    return *codes, "hamming"


def oracle_features(task, y, seed):
    """Rank by class posteriors of a logistic regression on the features."""
    scaler = Normalizer() if sp.issparse(task.X_fit) else StandardScaler()
    return _posteriors(task, y, scaler.fit(task.X_fit))


def oracle_latent(task, y, seed):
    """Rank by class posteriors of a logistic regression on 200 latent dimensions."""
    n_dimensions = min(_LATENT_DIMENSIONS, *(size - 1 for size in task.X_fit.shape))
    latent = make_pipeline(
        TruncatedSVD(n_dimensions, random_state=seed), Normalizer()
    ).fit(task.X_fit)
    return _posteriors(task, y, latent)


def _posteriors(task, y, features):
    multilabel = y.ndim == 2
    known = (y >= 0).all(axis=1) if multilabel else y >= 0
    model = LogisticRegression(C=10 if sp.issparse(task.X_fit) else 0.1)
    if multilabel:
        model = OneVsRestClassifier(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Raised for a class that all labeled samples have, or none of them.
        warnings.filterwarnings("ignore", "Label (not )?[0-9]+ is present")
        model.fit(features.transform(task.X_fit[known]), y[known])
    vectors = [
        model.predict_proba(features.transform(X)).astype(np.float32)
        for X in (task.X_index, task.X_query)
    ]
    return *vectors, "inner_product"


# Name -> (function, whether it learns from labels).
BASELINES = {
    "float-cosine": (float_cosine, False),
    "random-ranking": (random_ranking, False),
    "sign-quantization": (sign_quantization, False),
    "oracle-features": (oracle_features, True),
    "oracle-latent": (oracle_latent, True),
}

# Most features of sparse samples are zero and have no sign.
DENSE_ONLY = {"sign-quantization"}
