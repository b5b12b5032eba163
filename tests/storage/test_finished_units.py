"""Finished units: made once, made again after an interruption, never confused with others."""

from __future__ import annotations

import pytest

from poseharvest.errors import ConfigError, StoreError
from poseharvest.storage.finished_units import RECORD, UnitStore

NAME = ("generic", "S9/Posing 1: a+b")
SETTINGS = {"detector": {"name": "discs"}, "step": 5, "sizes": (1, 2)}


@pytest.fixture
def store(tmp_path):
    return UnitStore(tmp_path / "out")


def write(folder):
    (folder / "content").write_text("made")


def never(folder):
    raise AssertionError("made again")


def test_a_finished_unit_is_not_made_again(store):
    made = store.ensure(NAME, SETTINGS, write)
    assert store.ensure(NAME, SETTINGS, never) == made == store.finished(NAME, SETTINGS)
    assert (made / "content").read_text() == "made"
    assert made.parent.parent == store.folder / "units"


def test_an_interrupted_unit_is_made_in_the_folder_that_it_left(store):
    def interrupted(folder):
        write(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.ensure(NAME, SETTINGS, interrupted)
    assert store.finished(NAME, SETTINGS) is None
    seen = []
    store.ensure(NAME, SETTINGS, lambda folder: seen.append((folder / "content").read_text()))
    assert seen == ["made"]


def test_units_of_other_settings_are_refused_by_what_differs(store):
    folder = store.ensure(NAME, SETTINGS, write)
    message = rf"{folder.name}.*was made with detector name discs, asked for is other: choose another output"
    with pytest.raises(ConfigError, match=message.replace("+", r"\+")):
        store.ensure(NAME, {**SETTINGS, "detector": {"name": "other"}}, never)
    with pytest.raises(ConfigError, match="was made with seed None, asked for is 3"):
        store.ensure(NAME, {**SETTINGS, "seed": 3}, never)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "else"}'])
def test_a_damaged_record_is_named(store, text):
    folder = store.ensure(NAME, SETTINGS, write)
    (folder / RECORD).write_text(text)
    with pytest.raises(StoreError, match=rf"{RECORD}: .*the record of a finished unit"):
        store.ensure(NAME, SETTINGS, never)
