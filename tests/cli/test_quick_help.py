"""Help and wrong usage load no library that only work needs, and say the same as what does the work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from poseharvest.cli.derived_options import option_fields
from poseharvest.cli.lazy_commands import COMMANDS
from poseharvest.detectors.detector_names import MODULES, PUBLISHED_NAMES
from poseharvest.detectors.published_models import PUBLISHED_MODELS
from poseharvest.detectors.registry import DETECTORS
from poseharvest.export.format_names import described_formats
from poseharvest.export.registry import EXPORTERS
from poseharvest.module_records import stated_records

SOURCE = Path(__file__).resolve().parents[2] / "src"
HEAVY = {
    "torch",
    "cv2",
    "numba",
    "pyarrow",
    "transformers",
    "scipy",
    "av",
    "h5py",
    "onnxruntime",
    "matplotlib",
    "jinja2",
}

RUN = """
import sys
from poseharvest.cli.app import main
for arguments in {calls}:
    sys.argv = ["poseharvest", *arguments]
    try:
        main()
    except SystemExit as end:
        print(end.code, *arguments, file=sys.stderr)
    print("LOADED", *sorted(set(sys.modules) & {heavy}), file=sys.stderr)
"""


def loaded_by(*calls: list[str]) -> tuple[list[str], list[set[str]]]:
    """How each call of the program ends in one fresh interpreter, and the heavy libraries that it holds then."""
    code = RUN.format(calls=list(calls), heavy=HEAVY)
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SOURCE)}
    )
    lines = ran.stderr.splitlines()
    ends = [line for line in lines if line[:1].isdigit()]
    return ends, [set(line.split()[1:]) for line in lines if line.startswith("LOADED")]


def test_no_help_loads_what_only_work_needs():
    """All in one interpreter: what one command loads would stand in the list of those behind it as well."""
    ends, loaded = loaded_by(["--help"], *([name, "--help"] for name in COMMANDS))
    assert ends == ["0 --help", *(f"0 {name} --help" for name in COMMANDS)]
    assert dict(zip(COMMANDS, loaded[1:], strict=True)) == {name: set() for name in COMMANDS}


def test_wrong_usage_is_told_as_quickly():
    ends, loaded = loaded_by(*([name, "--nope"] for name in COMMANDS))
    assert ends == [f"2 {name} --nope" for name in COMMANDS]
    assert loaded[-1] == set()


def test_what_work_needs_would_be_noticed():
    """The law can fail: a command that works loads some of it."""
    ends, (loaded,) = loaded_by(["audit", "/no/such/folder"])
    assert ends == ["1 audit /no/such/folder"]
    assert "torch" in loaded


def test_detectors_are_described_as_their_records_are():
    records = stated_records("poseharvest.detectors", MODULES, "DETECTOR")
    described = [(one["name"], one["description"], one.get("path_form")) for one in records]
    assert described == [(one.name, one.description, one.path_form) for one in DETECTORS.values()]
    assert tuple(PUBLISHED_MODELS) == PUBLISHED_NAMES


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_format_is_described_as_its_record_is(name):
    (stated,) = (one for one in described_formats() if one["name"] == name)
    exporter = EXPORTERS[name]
    assert (stated["description"], stated.get("is_folder", False)) == (exporter.description, exporter.is_folder)
    assert option_fields(stated["options"]) == option_fields(exporter.options)
