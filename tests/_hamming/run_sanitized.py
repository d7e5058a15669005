"""Build the core with warnings as errors and with sanitizers, and run its tests.

    python tests/_hamming/run_sanitized.py [address] [thread] [-- arguments of pytest]

`address` compiles with the address and the undefined-behavior sanitizer and runs the
tests in this folder and a share of tests/fuzz; `thread` compiles with the thread
sanitizer and runs ``races.py``: searches beside changes of one index. Both by default.
GCC or Clang compile with -Wall -Wextra -Werror into build/sanitized-*; the installed
package is left alone.

Only the core is instrumented. Of Python, numpy and torch the sanitizers see calls that
allocate memory and that take locks, but no access to memory: a race between the core
and numpy is not found. Leaks are not looked for: Python frees little when it ends (the
soak test watches the memory of a process instead). Instruction sets that the machine
lacks do not run.
"""

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent

# An editable install is found before sys.path is asked.
PREPARE = """
import sys
sys.meta_path = [f for f in sys.meta_path if "editable" not in type(f).__module__]
sys.path[:0] = sys.argv[1:3]
import skhash._hamming._search
assert skhash._hamming._search.__file__.startswith(sys.argv[1])
"""
RUN_TESTS = PREPARE + "import pytest\nsys.exit(pytest.main(sys.argv[3:]))"
RUN_RACES = PREPARE + "import runpy\nsys.argv = sys.argv[3:]\n"
RUN_RACES += "runpy.run_path(sys.argv[0], run_name='__main__')"


def build(sanitizers, target):
    """Compile the package into a folder."""
    options = ["werror=true", "warning_level=2", "b_lundef=false", "debug=true"]
    options += [f"b_sanitize={sanitizers}", "optimization=2"]
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
        + ["--quiet", "--no-deps", "--upgrade", "--no-build-isolation"]
        + ["--target", str(target), f"-Cbuild-dir={target}-meson"]
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


def run_python(code, target, arguments, environment, prefix=()):
    done = subprocess.run(
        [*prefix, sys.executable, "-c", code, str(target), str(ROOT), *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode


def check_addresses(arguments):
    """Run the tests with the address and the undefined-behavior sanitizer."""
    target = ROOT / "build" / "sanitized-address"
    build("address,undefined", target)
    environment = {
        "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libstdc++.so.6')}",
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "SKHASH_PATIENCE": "10",
    }
    tests = [str(FOLDER), str(ROOT / "tests/fuzz/test_core.py")]
    # Captured by Python only, for the reports go to the file descriptor.
    chosen = [*tests, "-p", "no:cacheprovider", "--capture=sys", *(arguments or ["-q"])]
    return run_python(RUN_TESTS, target, chosen, environment)


def check_threads():
    """Search beside changes with the thread sanitizer."""
    target = ROOT / "build" / "sanitized-thread"
    build("thread", target)
    suppressions = FOLDER / "thread_sanitizer.txt"
    environment = {
        "LD_PRELOAD": runtime("libtsan.so"),
        "TSAN_OPTIONS": f"halt_on_error=0:exitcode=66:suppressions={suppressions}"
        ":ignore_noninstrumented_modules=1:history_size=7",
        "OPENBLAS_NUM_THREADS": "1",
    }
    # Its shadow memory needs addresses that are not random.
    fixed = ["setarch", platform.machine(), "--addr-no-randomize"]
    races = [str(FOLDER / "races.py")]
    return run_python(RUN_RACES, target, races, environment, fixed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sanitizers", nargs="*", default=["address", "thread"])
    parser.add_argument("--pytest", nargs=argparse.REMAINDER, default=[])
    arguments = parser.parse_args()
    status = 0
    for sanitizer in arguments.sanitizers:
        if sanitizer == "address":
            status |= check_addresses(arguments.pytest)
        elif sanitizer == "thread":
            status |= check_threads()
        else:
            parser.error(f"unknown sanitizer {sanitizer!r}")
    sys.exit(status)


if __name__ == "__main__":
    main()
