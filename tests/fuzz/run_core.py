"""Fuzz every entry of the compiled core, guided by the coverage of its C code.

    python tests/fuzz/run_core.py [--runs N] [--seconds N] [--target NAME] [--random]

Atheris (libFuzzer) varies bytes, from which the functions in ``core.py`` draw input
that they compare with plain numpy. The core is compiled by Clang with the address
sanitizer and coverage into build/fuzz; the environment variable CC names another Clang.
An input that fails is written to build/crash-*: add it to FOUND in ``core.py``.

With ``--random`` random bytes go to the installed core: no compiler is needed, and
nothing guides the choice.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "fuzz"
CORPUS = ROOT / "build" / "corpus"
COMPILERS = ["clang", *(f"clang-{version}" for version in range(22, 13, -1))]


def find_clang():
    for name in [os.environ.get("CC", ""), *COMPILERS]:
        if "clang" in name and shutil.which(name.split()[0]):
            return name
    sys.exit(
        "Coverage of the core needs Clang and its runtime (on Debian: apt-get install "
        "clang libclang-rt-14-dev). Without it: --random."
    )


def build():
    """Compile the package into a folder, if a source is newer than it."""
    sources = [*(ROOT / "skhash").rglob("*.py*"), *(ROOT / "skhash").rglob("*.h")]
    stamp = BUILD / ".built"
    newest = max(path.stat().st_mtime for path in sources)
    if stamp.exists() and stamp.stat().st_mtime > newest:
        return
    options = ["c_args=-fsanitize=fuzzer-no-link,address", "b_lundef=false"]
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
        + ["--quiet", "--no-deps", "--upgrade", "--no-build-isolation"]
        + ["--target", str(BUILD), f"-Cbuild-dir={BUILD}-meson"]
        + [f"-Csetup-args=-D{option}" for option in [*options, "debug=true"]]
        + [str(ROOT)],
        env={**os.environ, "CC": find_clang()},
        check=True,
    )
    stamp.touch()


def fuzz(arguments):
    """Run Atheris in this process, which has its libraries preloaded."""
    import atheris

    # An editable install is found before sys.path is asked.
    sys.meta_path = [f for f in sys.meta_path if "editable" not in type(f).__module__]
    sys.path[:0] = [str(BUILD), str(ROOT)]
    from skhash._hamming import _search
    from tests.fuzz import core

    if not _search.__file__.startswith(str(BUILD)):
        sys.exit(f"The core came from {_search.__file__}.")
    call = core.run_one
    if arguments.target:
        call = lambda data: core.run_target(arguments.target, data)  # noqa: E731
    CORPUS.mkdir(parents=True, exist_ok=True)
    limits = [f"-runs={arguments.runs}", f"-max_total_time={arguments.seconds}"]
    options = ["-max_len=256", "-print_final_stats=1", "-timeout=1200", *limits]
    options.append(f"-artifact_prefix={ROOT / 'build'}/")
    atheris.Setup([sys.argv[0], str(CORPUS), *options], call)
    atheris.Fuzz()


def preloaded(arguments):
    """Start Python again with the runtime of Atheris and of the sanitizer."""
    import atheris

    build()
    environment = {
        **os.environ,
        "LD_PRELOAD": str(Path(atheris.path()) / "asan_with_fuzzer.so"),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "SKHASH_FUZZ_PRELOADED": "1",
    }
    return subprocess.run([sys.executable, *sys.argv], env=environment, check=False)


def run_random(arguments):
    import numpy as np

    sys.path.insert(0, str(ROOT))
    from tests.fuzz import core

    rng = np.random.default_rng()
    names = [arguments.target] if arguments.target else [*core.TARGETS]
    for run in range(arguments.runs):
        data = rng.bytes(int(rng.integers(0, 256)))
        try:
            core.run_target(names[run % len(names)], data)
        except BaseException:
            print(f"failed: run_target({names[run % len(names)]!r}, {data!r})")
            raise
    print(f"{arguments.runs} runs")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=0, help="0: no limit")
    parser.add_argument("--target", help="one function of core.py; all by default")
    parser.add_argument("--random", action="store_true", help="without Atheris")
    arguments = parser.parse_args()
    if arguments.random:
        run_random(arguments)
    elif os.environ.get("SKHASH_FUZZ_PRELOADED"):
        fuzz(arguments)
    else:
        sys.exit(preloaded(arguments).returncode)


if __name__ == "__main__":
    main()
