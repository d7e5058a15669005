"""Fixtures that several test modules share."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before anything counts the cores: workers share them.
    os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pytest
import reference_data
from reference_data import MissingDataError
from sklearn.feature_extraction.text import TfidfVectorizer


def load(name):
    """Load a reference data set, or skip the test where it is missing."""
    try:
        return reference_data.LOADERS[name]()
    except MissingDataError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def web_snippets():
    return load("web-snippets")


@pytest.fixture(scope="session")
def newsgroups():
    return load("20newsgroups")


@pytest.fixture(scope="session")
def cifar10():
    return load("cifar10")


@pytest.fixture(scope="session")
def tmc2007():
    return load("tmc2007")


@pytest.fixture(scope="session")
def small_texts():
    """Return 300 texts of 3 topics, 10 words of 30 a topic and 5 of 40 common ones."""
    rng = np.random.RandomState(0)
    topics = rng.randint(3, size=300)
    texts = [
        " ".join(
            [f"topic{topic}word{word}" for word in rng.randint(30, size=10)]
            + [f"common{word}" for word in rng.randint(40, size=5)]
        )
        for topic in topics
    ]
    return texts, topics


@pytest.fixture(scope="session")
def small_rows(small_texts):
    """Return the TF-IDF rows of the small texts, and their topics."""
    texts, topics = small_texts
    return TfidfVectorizer().fit_transform(texts), topics
