"""Every dependency states the oldest version that the tests pass with, and `.ci/run` can pin all of them to it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OLDEST = ROOT / ".ci" / "oldest.py"


def printed(script: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)


def test_every_dependency_but_torch_is_pinned_to_its_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    names = {r.partition(">=")[0] for r in declared if not r.startswith("poseharvest[")}
    pins = dict(line.split("==") for line in printed(OLDEST).stdout.splitlines())
    assert set(pins) == names - {"torch"}
    assert all(f"{name}>={version}" in declared for name, version in pins.items())


@pytest.mark.parametrize("requirement", ["numpy", "numpy==2.0", "numpy<3"])
def test_a_dependency_without_a_lower_bound_is_an_error(tmp_path, requirement):
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "oldest.py").write_text(OLDEST.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\ndependencies = ["{requirement}"]\n[project.optional-dependencies]\n', encoding="utf-8"
    )
    done = printed(tmp_path / ".ci" / "oldest.py")
    assert done.returncode == 1
    assert f'expected "name>=version", got "{requirement}"' in done.stderr
