"""Options by topic: every option of a long command has one, and no topic names what is not there."""

from __future__ import annotations

import pytest

from poseharvest.cli.help_panels import MANY, PANELS
from poseharvest.cli.lazy_commands import COMMANDS, LazyCommand

NAMES = [name for names in PANELS.values() for name in names]


def parameters(command):
    return LazyCommand(command).load().params


def test_a_name_has_one_topic():
    assert sorted(NAMES) == sorted(set(NAMES))


def test_every_name_is_an_option_of_some_command():
    known = {parameter.name for command in COMMANDS for parameter in parameters(command)} | {"help"}
    assert set(NAMES) - known == set()


@pytest.mark.parametrize(
    "command", ["harvest", "personalize", "train2d", "train3d", "predict", "reproduce", "calibrate"]
)
def test_every_option_of_a_long_command_has_a_topic(command):
    options = [one for one in parameters(command) if any(flag.startswith("--") for flag in one.opts)]
    assert len(options) >= MANY - 2
    assert [one.name for one in options if one.rich_help_panel is None] == []


def test_the_help_shows_topics(run):
    shown = run("harvest", "--help").out
    places = [shown.index(f"─ {topic} ") for topic in ("The run", "Detector", "People", "3D inference")]
    assert shown.index("--follow") > places[2]


def test_a_short_command_has_one_panel(run):
    shown = run("report", "--help").out
    assert "─ Options " in shown
    assert "─ The run " not in shown
