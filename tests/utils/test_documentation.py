import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import HammingNearestNeighbors, ITQHasher
from skhash.duplicates import HammingBlocker
from skhash.utils import _documentation
from skhash.variational import CodeAssigner, PseudoLabeler

API = Path(__file__).parents[2] / "docs" / "api.rst"
X = np.random.default_rng(0).normal(size=(40, 6))


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(_documentation, "_site_url", lambda: "https://example.org/")


@pytest.mark.parametrize(
    ("estimator", "page"),
    [
        (ITQHasher(), "skhash.ITQHasher"),
        (HammingNearestNeighbors(), "skhash.HammingNearestNeighbors"),
        (HammingBlocker(), "skhash.duplicates.HammingBlocker"),
        (PseudoLabeler(), "skhash.variational.PseudoLabeler"),
        (CodeAssigner(), "skhash.variational.CodeAssigner"),
    ],
)
def test_html_links_to_the_page_of_the_reference(site, estimator, page):
    assert f'href="https://example.org/api/{page}.html"' in estimator._repr_html_()


def test_steps_of_pipelines_link_too(site):
    html = make_pipeline(StandardScaler(), ITQHasher())._repr_html_()
    assert "https://example.org/api/skhash.ITQHasher.html" in html


def test_link_to_a_site_in_the_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(_documentation, "_site_url", lambda: None)
    monkeypatch.setattr(_documentation, "_BUILT_SITE", tmp_path)
    assert ITQHasher()._get_doc_link() == ""
    page = tmp_path / "api" / "skhash.ITQHasher.html"
    page.parent.mkdir()
    page.touch()
    assert ITQHasher()._get_doc_link() == page.as_uri()


def test_classes_of_others_have_no_link(site):
    class Mine(ITQHasher):
        pass

    Mine.__module__ = "other.package"
    assert Mine()._get_doc_link() == ""


def test_fitted_attributes_that_are_cheap_and_not_none():
    codes = ITQHasher(4).fit_transform(X)
    shown = HammingNearestNeighbors().fit(codes)._get_fitted_attr_html()
    assert set(shown) == {"n_bits_", "n_features_in_", "n_samples_fit_"}
    shown = ITQHasher(4).fit(X)._get_fitted_attr_html()
    assert shown["rotation_"]["shape"] == (4, 4)
    assert not ITQHasher()._get_fitted_attr_html()


def test_html_shows_what_was_learned():
    pytest.importorskip("sklearn.utils._repr_html.fitted_attributes")
    html = ITQHasher(4).fit(X)._repr_html_()
    assert "quantization_loss_" in html
    assert "quantization_loss_" not in ITQHasher(4)._repr_html_()


@pytest.mark.skipif(not API.exists(), reason="needs a checkout with the documentation")
@pytest.mark.parametrize(
    "module",
    [
        "skhash",
        *("skhash.codes", "skhash.distributed", "skhash.duplicates", "skhash.export"),
        *("skhash.inspection", "skhash.io", "skhash.metrics", "skhash.plot"),
        *("skhash.model_selection", "skhash.neighbors", "skhash.variational"),
    ],
)
def test_api_reference_lists_all_public_names(module):
    listed = re.findall(r"^   (?:\w+\.)*(\w+)$", API.read_text(), re.MULTILINE)
    public = importlib.import_module(module).__all__
    assert set(public) <= set(listed)
