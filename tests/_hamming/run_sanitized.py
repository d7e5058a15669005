"""Build the search with warnings as errors and with sanitizers, and run its tests.

    python tests/_hamming/run_sanitized.py [arguments of pytest]

GCC or Clang compile with -Wall -Wextra -Werror and the address and undefined-behavior
sanitizers, into build/sanitized; the installed package is left alone. Leaks are not
looked for: Python frees little when it ends.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "build" / "sanitized"

# An editable install is found before sys.path is asked.
RUN_TESTS = """
import sys
sys.meta_path = [f for f in sys.meta_path if "editable" not in type(f).__module__]
sys.path.insert(0, sys.argv[1])
import skhash._hamming._search
assert skhash._hamming._search.__file__.startswith(sys.argv[1])
import pytest
sys.exit(pytest.main(sys.argv[2:]))
"""


def build():
    options = ["werror=true", "warning_level=2", "b_lundef=false", "debug=true"]
    options += ["b_sanitize=address,undefined", "optimization=2"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
        + ["--no-build-isolation", "--target", str(TARGET)]
        + [f"-Csetup-args=-D{option}" for option in options]
        + [str(ROOT)],
        check=True,
    )


def runtime(name):
    """Return the path of a library of the compiler."""
    compiler = os.environ.get("CC", "cc").split()
    found = subprocess.run(
        [*compiler, f"-print-file-name={name}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return found.stdout.strip()


def main():
    build()
    environment = {
        **os.environ,
        "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libstdc++.so.6')}",
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    tests = [str(Path(__file__).parent), "-p", "no:cacheprovider"]
    arguments = sys.argv[1:] or ["-q"]
    done = subprocess.run(
        [sys.executable, "-c", RUN_TESTS, str(TARGET), *tests, *arguments],
        cwd=ROOT,
        env=environment,
        check=False,
    )
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
