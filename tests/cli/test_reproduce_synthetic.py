"""`reproduce --data synthetic`: what the command says before anything is drawn."""

from __future__ import annotations

import pytest

from poseharvest.cli import reproduce
from poseharvest.errors import ConfigError
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.tables.studio.study import INFERENCE


def test_the_command_names_the_tables_that_there_are(run):
    done = run("reproduce", "table1", "--data", "synthetic", "--out", "x")
    assert done.code == 1
    assert "on synthetic footage: table4, table5" in done.err


def test_the_command_takes_the_package_s_network_for_drawn_people(run, tmp_path):
    command = (
        "reproduce",
        "table4",
        "--data",
        "synthetic",
        "--out",
        tmp_path / "o",
        "--subjects",
        "1",
        "--frames",
        "8",
    )
    done = run(*command, "--weights", tmp_path / "gone.safetensors")
    assert done.code == 1
    assert "gone.safetensors: expected the weights of hourglass" in done.err
    assert run(*command, "--seeds", "one").code == 2


@pytest.fixture
def asked(monkeypatch):
    """What tables were asked for; none is made."""
    requests = []

    def hear(request):
        requests.append(request)
        raise ConfigError("heard")

    monkeypatch.setattr(reproduce, "table_function", lambda *_, **__: hear)
    return requests


@pytest.mark.parametrize(
    ("data", "given", "expected"),
    [
        ("synthetic", (), INFERENCE),
        ("synthetic", ("--sharpen", "1", "--floor", "0"), InferenceOptions(floor=0.0)),
        ("folder", (), InferenceOptions()),
        ("folder", ("--sharpen", "3"), InferenceOptions(sharpen=3.0)),
    ],
)
def test_what_heatmaps_are_depends_on_the_network_unless_it_is_said(run, tmp_path, asked, data, given, expected):
    run("reproduce", "table4", "--data", data, "--out", tmp_path, *given)
    assert [request.harvesting.inference for request in asked] == [expected]


def test_the_fine_tuning_is_the_paper_s_unless_something_else_is_asked_for(run, tmp_path, asked):
    command = ("reproduce", "table4", "--data", "synthetic", "--out", tmp_path)
    run(*command)
    run(*command, "--distillation", "0.5", "--epochs", "2")
    assert [(request.refinement.distillation, request.refinement.epochs) for request in asked] == [(0, 4), (0.5, 2)]


def test_all_joints_are_taught_if_asked_for(run, tmp_path, asked):
    command = ("reproduce", "table4", "--data", "synthetic", "--out", tmp_path)
    run(*command)
    run(*command, "--all-joints")
    assert [request.regression.all_joints for request in asked] == [False, True]


def test_the_help_names_what_is_usual_on_synthetic_footage(run):
    words = " ".join(run("reproduce", "--help").out.split())
    assert f"on synthetic footage {INFERENCE.floor:g}." in words
    assert f"on synthetic footage {INFERENCE.sharpen:g}." in words
