"""Run the checks of all estimators with the array API dispatch of SciPy."""

import os
import subprocess
import sys
from pathlib import Path


def test_checks_with_array_api_dispatch():
    # SciPy reads the variable at import, which needs another process.
    folder = Path(__file__).parent
    tests = [folder / "test_sklearn_checks.py", folder / "test_hashers.py"]
    tests.append(f"{folder / 'test_neighbors.py'}::test_check_on_codes")
    # Two workers, since this process only waits.
    options = ["-q", "-W", "ignore", "-n", "2"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=folder.parents[1],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]
