"""Check that a wheel holds the modules and stubs of the package, and nothing else.

python .ci/check_wheel.py dist/scikit_hash-0.1.0-*.whl
"""

import sys
import zipfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
SUFFIXES = (".py", ".pyi", ".typed")


def main(wheel):
    """Print what is wrong; return the exit status."""
    names = {PurePosixPath(name) for name in zipfile.ZipFile(wheel).namelist()}
    names = {name for name in names if not name.parts[0].endswith(".dist-info")}
    compiled = {name for name in names if name.suffix in (".so", ".pyd")}
    expected = {
        PurePosixPath(path.relative_to(ROOT).as_posix())
        for path in (ROOT / "skhash").rglob("*")
        if path.suffix in SUFFIXES and "__pycache__" not in path.parts
    }
    sources = {name.stem for name in (ROOT / "skhash").rglob("*.pyx")}
    wrong = [f"missing: {name}" for name in sorted(expected - names)]
    wrong += [f"too much: {name}" for name in sorted(names - expected - compiled)]
    modules = {name.name.split(".")[0] for name in compiled}
    wrong += [f"not compiled: {name}" for name in sorted(sources - modules)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
