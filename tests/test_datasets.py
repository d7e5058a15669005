"""Test the corpus of diagnoses, which needs no network."""

import sys

import numpy as np
import pytest
import simple_icd_10_cm as icd

from skhash.datasets import load_icd10cm


@pytest.fixture(scope="module")
def corpus():
    return load_icd10cm()


def test_size(corpus):
    assert len(corpus.data) == len(corpus.target) == len(corpus.codes)
    assert 40_000 < len(corpus.data) < 60_000
    assert len(corpus.target_names) == 22
    assert len(set(corpus.codes)) == len(corpus.codes)
    assert all(isinstance(text, str) and text for text in corpus.data)


def test_chapters(corpus):
    assert corpus.target.dtype.kind == "i"
    assert set(np.unique(corpus.target)) == set(range(22))
    first = {"A": 0, "C": 1, "J": 9, "O": 14}
    for code, chapter in zip(corpus.codes[::50], corpus.target[::50]):
        if code[0] in first:
            assert chapter == first[code[0]]


def test_texts(corpus):
    position = corpus.codes.index("J45.20")
    assert corpus.data[position] == "Mild intermittent asthma, uncomplicated"
    assert "respiratory" in corpus.target_names[corpus.target[position]]


def test_data_and_target_only(corpus, monkeypatch):
    everything = icd.get_all_codes(with_dots=True)
    some = [c for c in everything if icd.is_chapter(c)] + corpus.codes[:500]
    monkeypatch.setattr(icd, "get_all_codes", lambda with_dots: some)
    data, target = load_icd10cm(return_X_y=True)
    assert data == corpus.data[:500]
    assert (target == corpus.target[:500]).all()


def test_missing_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "simple_icd_10_cm", None)
    with pytest.raises(ImportError, match=r"pip install 'scikit-hash\[demo\]'"):
        load_icd10cm()
