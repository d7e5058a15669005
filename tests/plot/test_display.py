import sys

import matplotlib
import numpy as np
import pytest

from skhash.plot import PrecisionAtKDisplay

matplotlib.use("agg")


def test_advice_if_matplotlib_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    display = PrecisionAtKDisplay(np.array([1]), np.array([0.5]))
    with pytest.raises(ImportError, match=r"pip install 'scikit-hash\[plot\]'"):
        display.plot()


def test_plot_draws_again_in_new_axes():
    display = PrecisionAtKDisplay(np.array([1, 2]), np.array([0.5, 0.4])).plot()
    first = display.ax_
    assert display.plot().ax_ is not first
    assert display.ax_.get_legend() is None
