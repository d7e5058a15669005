"""Define fixtures that several test modules use."""

import os
import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a job in the background of a shell. Tests interrupt themselves.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores. Set before any library counts them.
    os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pytest
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer

from tests import data


@pytest.fixture(autouse=True)
def keep_sklearn_config():
    """Restore the settings of scikit-learn, which interrupted calls leave changed."""
    before = sklearn.get_config()
    yield
    sklearn.set_config(**before)


def load(loader):
    """Load a reference data set; skip the test if it is missing."""
    try:
        return loader()
    except data.MissingDataError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def web_snippets():
    return load(data.load_web_snippets)


@pytest.fixture(scope="session")
def newsgroups():
    return load(data.load_20newsgroups)


@pytest.fixture(scope="session")
def cifar10():
    return load(data.load_cifar10)


@pytest.fixture(scope="session")
def tmc2007():
    return load(data.load_tmc2007)


@pytest.fixture(scope="session")
def small_texts():
    """Return 300 texts of 15 words in 3 topics, and the topic of each.

    Ten words come from the 30 words of the topic, five from 40 common words.
    """
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
    """Return the TF-IDF features of the small texts, and their topics."""
    texts, topics = small_texts
    return TfidfVectorizer().fit_transform(texts), topics
