"""What codes are measured against: rankings by real numbers, and by chance.

Each rival is a function of a problem, the partial labels and a seed that returns the
vectors of the index, those of the queries and the metric that ranks them.
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


def float_cosine(problem, y, seed):
    """Exact k-NN by the cosine of the features themselves."""
    return problem.X_index, problem.X_query, "cosine"


def random_ranking(problem, y, seed):
    """All rows tie; a tie-aware measure then is the expectation over random orders."""
    codes = [
        np.zeros((X.shape[0], 1), np.uint8) for X in (problem.X_index, problem.X_query)
    ]
    return *codes, "hamming"


def sign_quantization(problem, y, seed):
    """One bit a feature, the sign: what encoders of embeddings offer as binary."""
    from skhash import ThresholdHasher

    hasher = ThresholdHasher().fit(problem.X_fit)
    codes = [hasher.transform(X) for X in (problem.X_index, problem.X_query)]
    return *codes, "hamming"


def oracle_features(problem, y, seed):
    """Float class posteriors of a logistic regression on the features."""
    scaler = Normalizer() if sp.issparse(problem.X_fit) else StandardScaler()
    return _posteriors(problem, y, scaler.fit(problem.X_fit))


def oracle_latent(problem, y, seed):
    """Float class posteriors of a logistic regression on 200 latent dimensions."""
    n_dimensions = min(_LATENT_DIMENSIONS, *(size - 1 for size in problem.X_fit.shape))
    latent = make_pipeline(
        TruncatedSVD(n_dimensions, random_state=seed), Normalizer()
    ).fit(problem.X_fit)
    return _posteriors(problem, y, latent)


def _posteriors(problem, y, features):
    multilabel = y.ndim == 2
    known = (y >= 0).all(axis=1) if multilabel else y >= 0
    model = LogisticRegression(C=10 if sp.issparse(problem.X_fit) else 0.1)
    if multilabel:
        model = OneVsRestClassifier(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # A class that all labeled rows have, or none of them.
        warnings.filterwarnings("ignore", "Label (not )?[0-9]+ is present")
        model.fit(features.transform(problem.X_fit[known]), y[known])
    vectors = [
        model.predict_proba(features.transform(X)).astype(np.float32)
        for X in (problem.X_index, problem.X_query)
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

# Sparse rows have no sign to speak of in most of their features.
FOR_DENSE_ROWS = {"sign-quantization"}
