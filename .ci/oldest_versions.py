"""Print the lower bounds of the dependencies in pyproject.toml as exact versions.

python .ci/oldest_versions.py > oldest.txt
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BOUND = re.compile(r"(?P<name>[\w.-]+)>=(?P<version>[\d.]+)")


def main():
    """Print one line per dependency with a lower bound."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    for requirement in project["dependencies"]:
        if match := _BOUND.match(requirement):
            # A bound such as 2.0 allows its corrections.
            print(f"{match['name']}=={match['version']}.*")


if __name__ == "__main__":
    main()
