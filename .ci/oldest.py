"""Print a constraints file that pins every dependency to the oldest version that pyproject.toml allows.

torch is left out: its pin stands in constraints.txt.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)>=(?P<oldest>[0-9][0-9.]*)(,.*)?")
_OWN_EXTRAS = "poseharvest["
_PINNED_ELSEWHERE = ("torch",)


def oldest_versions(pyproject: Path) -> list[str]:
    """Return `name==version` of the lower bound of every dependency, those of the extras included.

    Raises:
        ValueError: a dependency states no lower bound.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    pins = []
    for requirement in [*project["dependencies"], *extras]:
        if requirement.startswith(_OWN_EXTRAS):
            continue
        bound = _REQUIREMENT.fullmatch(requirement)
        if bound is None:
            raise ValueError(f'{pyproject}: expected "name>=version", got "{requirement}"')
        if bound["name"] not in _PINNED_ELSEWHERE:
            pins.append(f"{bound['name']}=={bound['oldest']}")
    return pins


if __name__ == "__main__":
    print("\n".join(oldest_versions(Path(__file__).resolve().parents[1] / "pyproject.toml")))
