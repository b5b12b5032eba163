"""Nobody builds the Dockerfile here, so at least what it names is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_what_it_copies_is_there_and_not_ignored():
    copied = {name for line in LINES if line.startswith("COPY ") for name in line.split()[1:-1]}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert all((ROOT / name).exists() for name in copied)
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    needed = {PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml", "constraints.txt", "src"}
    assert copied == needed


def test_its_python_is_the_oldest_that_is_supported():
    (image,) = (line for line in LINES if line.startswith("FROM "))
    assert image == f"FROM python:{PROJECT['requires-python'].removeprefix('>=')}-slim"


def test_its_extras_and_its_command_are_the_package_s():
    (install,) = (line for line in LINES if "pip install" in line)
    wanted = re.search(r"'\.\[(.+)\]'", install)
    assert wanted is not None
    assert set(wanted[1].split(",")) <= set(PROJECT["optional-dependencies"])
    (command,) = (line for line in LINES if line.startswith("ENTRYPOINT "))
    assert command.split('"')[1] in PROJECT["scripts"]
