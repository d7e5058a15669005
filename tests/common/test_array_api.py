"""Run checks that depend on the array API dispatch of SciPy with it."""

import os
import subprocess
import sys
from pathlib import Path

# Input of other libraries, and input that scikit-learn hands to SciPy.
_CHECKS = "array_api or sparse_array or nan_inf or dtypes"


def test_checks_with_array_api_dispatch():
    # SciPy reads the variable at import, which needs another process.
    folder = Path(__file__).parent
    options = ["-q", "-W", "ignore", "-p", "no:xdist", "-k", _CHECKS]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *options, folder / "test_sklearn_checks.py"],
        cwd=folder.parents[1],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]
