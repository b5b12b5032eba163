"""No command opens a connection: everything lies on this machine, but for weights that are named nowhere."""

from __future__ import annotations

import pytest

from poseharvest.cli.lazy_commands import COMMANDS
from poseharvest.errors import HarvestError


def test_commands_that_harvest_judge_and_export_use_no_socket(run, footage, no_sockets):
    out = footage.folder / "out"
    harvest = ("harvest", footage.capture, "--out", out, "--detector", footage.keypoints, "--ignore-audit")
    commands = [
        ("audit", footage.capture),
        harvest,
        ("report", out, "--out", footage.folder / "page.html"),
        ("evaluate", out),
        *(("export", out, "--format", name, "--out", footage.folder / f"out.{name}") for name in ("csv", "trc")),
    ]
    for command in commands:
        done = run(*command)
        assert done.code == 0, (command, done.err)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_uses_no_socket(run, command, no_sockets):
    assert run(command, "--help").code == 0


def test_weights_that_are_named_are_not_looked_for_elsewhere(run, footage, no_sockets):
    weights = footage.folder / "w.h5"
    weights.write_bytes(b"no weights")
    done = run("harvest", footage.capture, "--out", footage.folder / "out", "--weights", weights)
    assert done.code == 1
    assert "w.h5: expected a Keras model in HDF5" in done.err


def test_the_guard_of_these_tests_notices_a_download(monkeypatch, tmp_path, no_sockets):
    from poseharvest.detectors.published_weights import EFFICIENTPOSE_I, find_weights

    monkeypatch.setenv("POSEHARVEST_CACHE", str(tmp_path))
    with pytest.raises(HarvestError, match="a socket was used"):
        find_weights(EFFICIENTPOSE_I)
