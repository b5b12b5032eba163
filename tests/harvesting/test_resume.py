"""An interrupted harvest is gone on with, and ends as if nothing had happened: to the last bit of every file."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from poseharvest.annotations import marking, parts
from poseharvest.annotations import writer as writer_module
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.unfinished import PROGRESS
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.errors import CaptureError, ConfigError, StoreError
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.progress import Progress
from poseharvest.simulation import DetectorErrors, Simulation, random_rig, simulate

NUM_FRAMES = 48
OPTIONS = HarvestOptions(inference=InferenceOptions(resolution=16), warm_up_frames=10, num_previews=3)


@pytest.fixture(scope="module")
def walk() -> Simulation:
    """A person before four cameras, seen with errors and sometimes not at all."""
    return simulate(NUM_FRAMES, 3, errors=DetectorErrors(), render=False)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is finished every seven records, so that it ends within a batch of inference."""
    monkeypatch.setitem(HarvestWriter.__init__.__kwdefaults__, "records_per_part", 7)


@pytest.fixture(scope="module")
def undisturbed(walk: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    defaults = HarvestWriter.__init__.__kwdefaults__
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(defaults, "records_per_part", 7)
        return harvest(walk.capture, walk.detector, tmp_path_factory.mktemp("u") / "h", options=OPTIONS).path


WITH_TIME = ("harvest.json", "SHA256SUMS")


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def contents(folder: Path) -> dict[str, bytes]:
    """All files but harvest.json, which holds the time of the harvest, and its checksum."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.name not in WITH_TIME}


def assert_same(made: Path, wanted: Path) -> None:
    assert contents(made) == contents(wanted)
    ours, theirs = (Harvest.open(path).info.model_dump(exclude={"created"}) for path in (made, wanted))
    assert ours == theirs


def dying(at: int) -> Callable[[Progress], None]:
    """Return a listener that dies at its call number `at`."""
    calls = iter(range(at))

    def listen(_: Progress) -> None:
        if next(calls, None) is None:
            raise Killed

    return listen


def go_on(walk: Simulation, out: Path, at: int | None = None, **changes: Any) -> Harvest | None:
    """Harvest with `resume`, and die at a call of the listener; None if it died."""
    listen = dying(at) if at is not None else None
    try:
        return harvest(walk.capture, walk.detector, out, options=OPTIONS, resume=True, on_progress=listen, **changes)
    except Killed:
        return None


@pytest.mark.parametrize("at", [8, 30])
def test_one_death(at: int, walk: Simulation, undisturbed: Path, tmp_path: Path) -> None:
    """Those at the end have a test of their own."""
    out = tmp_path / "h"
    assert go_on(walk, out, at) is None
    assert not out.exists()
    done = go_on(walk, out)
    assert done is not None
    assert_same(done.path, undisturbed)
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


def test_a_signal_just_after_something_is_kept(
    walk: Simulation, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file stands on the disk, and the writer has not yet noted it."""
    write = writer_module.Progress.write

    def write_and_die(self: writer_module.Progress, folder: Path) -> None:
        write(self, folder)
        raise Killed

    monkeypatch.setattr(writer_module.Progress, "write", write_and_die)
    with pytest.raises(Killed) as caught:
        harvest(walk.capture, walk.detector, tmp_path / "h", options=OPTIONS)
    assert "go on with --resume" in " ".join(caught.value.__notes__)
    monkeypatch.undo()
    monkeypatch.setitem(HarvestWriter.__init__.__kwdefaults__, "records_per_part", 7)
    done = go_on(walk, tmp_path / "h")
    assert done is not None
    assert_same(done.path, undisturbed)


@pytest.mark.slow
@pytest.mark.long
def test_many_deaths(walk: Simulation, undisturbed: Path, tmp_path: Path) -> None:
    """Each process finishes a few parts."""
    done, deaths = None, 0
    while done is None:
        done = go_on(walk, tmp_path / "h", 13 + 5 * (deaths % 3))
        deaths += 1
    assert deaths > 2
    assert_same(done.path, undisturbed)
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


SLOW_ENDINGS = [("set_unmarked_aside", True), ("mark_parts", False), ("remove_unmarked", False)]
ENDINGS = [("smooth_parts", False), ("write_info", False), ("remove_progress", True)]


@pytest.fixture(scope="module")
def all_parts(walk: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a harvest that died when its frames were written and nothing was selected."""

    def die(*_: Any, **__: Any) -> Any:
        raise Killed

    folder = tmp_path_factory.mktemp("all_parts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(HarvestWriter.__init__.__kwdefaults__, "records_per_part", 7)
        patch.setattr(writer_module, "set_unmarked_aside", die)
        assert go_on(walk, folder / "h") is None
    return folder


@pytest.mark.parametrize(
    ("step", "before"), [*ENDINGS, *(pytest.param(*one, marks=pytest.mark.slow) for one in SLOW_ENDINGS)]
)
def test_deaths_at_the_end(
    step: str,
    before: bool,
    walk: Simulation,
    undisturbed: Path,
    all_parts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Selection and smoothing rewrite the parts: they begin again from the parts as they were."""
    shutil.copytree(all_parts, tmp_path, dirs_exist_ok=True)
    function = getattr(writer_module, step)

    def die(*arguments: Any, **options: Any) -> Any:
        if not before:
            function(*arguments, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(writer_module, step, die)
        assert go_on(walk, tmp_path / "h") is None
    for partial in tmp_path.glob(".h.partial-*"):  # a kill in the middle of a file leaves these
        (partial / f".{PROGRESS}.partial-0a0a0a0a").write_text("half")
        if step != "remove_unmarked":  # where that file is long written
            (partial / ".rig.json.12.part").write_text("half")
    done = go_on(walk, tmp_path / "h")
    assert done is not None
    assert_same(done.path, undisturbed)
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


@dataclass(frozen=True, eq=False)
class Broken:
    """A capture of which a picture is broken."""

    inner: Any
    at: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        for frame in self.inner.frames(start, stop):
            if frame.index == self.at:
                raise CaptureError("cam1: the picture is broken")
            yield frame


def test_a_broken_picture_keeps_what_is_done_and_says_so(walk: Simulation, undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "h"
    with pytest.raises(CaptureError, match="the picture is broken") as caught:
        harvest(Broken(walk.capture, 44), walk.detector, out, options=replace(OPTIONS, num_previews=0))
    (note,) = caught.value.__notes__
    assert "poses of" in note
    assert note.endswith("are kept: go on with --resume")
    with pytest.raises(
        StoreError, match=r"an interrupted run was begun here: go on with it \(--resume\), or begin again"
    ):
        harvest(walk.capture, walk.detector, out, options=OPTIONS)
    with pytest.raises(ConfigError, match="was begun with options num_previews 0, asked for is 3: go on with what"):
        harvest(walk.capture, walk.detector, out, options=OPTIONS, resume=True)
    done = harvest(walk.capture, walk.detector, out, options=OPTIONS, overwrite=True)
    assert_same(done.path, undisturbed)


@pytest.mark.parametrize(("at", "are_all_written"), [(7, False), (3, True)], ids=["a part", "while they are rewritten"])
def test_a_disk_that_fills_keeps_what_is_done(
    at: int,
    are_all_written: bool,
    walk: Simulation,
    undisturbed: Path,
    all_parts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if are_all_written:
        shutil.copytree(all_parts, tmp_path, dirs_exist_ok=True)
    calls = iter(range(at))

    def write(table: Any, path: Path) -> None:
        parts.write_part(table, path)
        if next(calls, None) is None:
            path.write_bytes(path.read_bytes()[:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        for module in (writer_module, marking):
            patch.setattr(module, "write_part", write)
        with pytest.raises(StoreError, match="h: cannot be written: No space left on device") as caught:
            go_on(walk, tmp_path / "h")
    assert caught.value.__notes__[-1].endswith("are kept: go on with --resume")
    done = go_on(walk, tmp_path / "h")
    assert done is not None
    assert_same(done.path, undisturbed)


def test_other_options_cameras_and_footage_are_refused(walk: Simulation, all_parts: Path, tmp_path: Path) -> None:
    shutil.copytree(all_parts, tmp_path, dirs_exist_ok=True)
    kept = {path.name for path in tmp_path.iterdir()}
    moved = simulate(NUM_FRAMES, 3, rig=random_rig(4, torch.Generator().manual_seed(2)), render=False).capture
    asked = [
        (walk.capture, replace(OPTIONS, stop=40), "options stop None, asked for is 40"),
        (walk.capture, replace(OPTIONS, inference=InferenceOptions(resolution=20)), "options inference resolution 16"),
        (moved, OPTIONS, "calibration "),
        (simulate(NUM_FRAMES + 1, 3, render=False).capture, OPTIONS, "footage frames 48, asked for is 49"),
    ]
    for capture, options, message in asked:
        with pytest.raises(ConfigError, match=f"was begun with {message}"):
            harvest(capture, walk.detector, tmp_path / "h", options=options, resume=True)
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_damaged_part_is_refused(walk: Simulation, all_parts: Path, tmp_path: Path) -> None:
    shutil.copytree(all_parts, tmp_path, dirs_exist_ok=True)
    (partial,) = tmp_path.glob(".h.partial-*")
    part = partial / "annotations" / "part-00000.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="this part of the harvest is damaged: begin again"):
        go_on(walk, tmp_path / "h")
    part.unlink()
    with pytest.raises(StoreError, match="this part of the harvest is missing: begin again"):
        go_on(walk, tmp_path / "h")


def test_a_finished_harvest_is_returned_if_it_is_the_same(walk: Simulation, undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "h"
    shutil.copytree(undisturbed, out)
    (out / PROGRESS).write_text("left by a kill in the last moment")
    done = go_on(walk, out)
    assert done is not None
    assert_same(done.path, undisturbed)
    with pytest.raises(StoreError, match="already exists"):
        harvest(walk.capture, walk.detector, out, options=replace(OPTIONS, stop=30), resume=True)
