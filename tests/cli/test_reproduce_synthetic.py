"""`reproduce --data synthetic`: what the command says before anything is drawn."""

from __future__ import annotations


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
