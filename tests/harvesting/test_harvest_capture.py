"""The main job, from end to end, on captures whose truth is known."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from localization_kit import ChangedDetector, nobody
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.arrays import Image
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.detectors.protocol import CroppedView
from poseharvest.errors import CalibrationError, CaptureError, ConfigError, DetectorError, StoreError
from poseharvest.evaluation.pose_error import pose_errors
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.follow.one_person import batch_length
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.progress import Progress
from poseharvest.simulation import CLEAN, ONE_VIEW_WRONG, Simulation, simulate
from poseharvest.skeleton.limb_lengths import LimbLengths

BLANK: Image = np.zeros((1000, 1000, 3), np.uint8)


class NeedsPictures(ChangedDetector):
    """A detector of pictures, so that a view without one is absent."""

    needs_images = True


@dataclass(frozen=True, eq=False)
class FrameChanger:
    """A capture with blank pictures, but for those that are absent, and perhaps another calibration."""

    inner: FrameSource
    absent: dict[int, tuple[int, ...]] = field(default_factory=dict)
    other_rig: Rig | None = None
    name: str = "changed"

    @property
    def rig(self) -> Rig:
        return self.other_rig or self.inner.rig

    @property
    def frame_rate(self) -> float:
        return self.inner.frame_rate

    @property
    def num_frames(self) -> int:
        return self.inner.num_frames

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        for frame in self.inner.frames(start, stop):
            gone = self.absent.get(frame.index, ())
            images = tuple(None if v in gone else BLANK for v in range(len(self.rig)))
            yield MultiViewFrame(frame.index, frame.time_s, images)


def records(harvest: Harvest) -> list[FrameAnnotations]:
    return list(harvest.iter_frames())


def means(harvest: Harvest) -> torch.Tensor:
    return torch.stack([record.mean for record in records(harvest)])


def test_a_clean_capture_is_harvested_to_the_grid(harvested: Harvest, simulation: Simulation) -> None:
    """A voxel is 60 mm here; the mean over a marginal is known better than that."""
    assert [record.frame for record in records(harvested)] == list(range(12))
    assert [record.time_s for record in records(harvested)] == [i / simulation.capture.frame_rate for i in range(12)]
    errors = pose_errors(harvested, simulation.truth.positions)
    assert errors.num_joints == 12 * 16
    assert errors.mean_mm < 0.5 * float(harvested.info.options["voxel_mm"])


def test_the_folder_says_what_ran_on_what(harvested: Harvest, simulation: Simulation, quick: HarvestOptions) -> None:
    info = Harvest.open(harvested.path).info
    assert info.capture.name == "synthetic"
    assert info.capture.path is None
    assert info.capture.num_frames == info.counts.frames == 12
    assert info.detector.name == "simulated"
    assert info.options["inference"] == asdict(quick.inference)
    assert info.options["warm_up_frames"] == quick.warm_up_frames
    assert info.options["limb_lengths_given"] is False
    assert set(info.limb_lengths_mm) == {limb.name for limb in simulation.detector.skeleton.limbs}
    assert harvested.rig.names == simulation.capture.rig.names
    assert [joint.selected for joint in info.selection.joints] == [8] * 16  # 70 % of 12, rounded


def test_clean_heatmaps_give_6_mm_at_full_resolution(tmp_path: Path) -> None:
    simulation = simulate(8, 1, errors=CLEAN, render=False)
    result = harvest(simulation.capture, simulation.detector, tmp_path / "h", options=HarvestOptions(warm_up_frames=4))
    assert pose_errors(result, simulation.truth.positions).mean_mm < 6


@pytest.mark.slow
@pytest.mark.long
def test_uncertainty_knows_where_one_view_is_wrong(tmp_path: Path) -> None:
    """One view of four puts 15 % of the joints elsewhere; the others are clean.

    On voxels of 17 mm: on those of 35 mm the grid's own error hides it (docs/method.md). The seeds are the first three.
    """
    options = HarvestOptions(inference=InferenceOptions(refine=2), num_previews=0, warm_up_frames=6)
    found = []
    for seed in range(3):
        simulation = simulate(24, seed, errors=ONE_VIEW_WRONG, render=False)
        result = harvest(simulation.capture, simulation.detector, tmp_path / str(seed), options=options)
        found.append(pose_errors(result, simulation.truth.positions))
    assert sum(e.selected_mean_mm for e in found) < sum(e.mean_mm for e in found)
    assert sum(e.rank_correlation for e in found) > 0


def test_twice_the_same(harvested: Harvest, simulation: Simulation, quick: HarvestOptions, tmp_path: Path) -> None:
    """But for the time at which it was made, byte by byte."""
    again = harvest(simulation.capture, simulation.detector, tmp_path / "h", options=quick)
    files = {path.relative_to(harvested.path) for path in harvested.path.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again.path) for path in again.path.rglob("*") if path.is_file()}
    for file in files - {Path("harvest.json"), Path("SHA256SUMS")}:
        assert (harvested.path / file).read_bytes() == (again.path / file).read_bytes(), file
    assert harvested.info.model_copy(update={"created": again.info.created}) == again.info


def test_the_order_of_cameras_does_not_matter(quick: HarvestOptions, tmp_path: Path) -> None:
    """The errors of this detector depend on the number of the view, so it makes none."""
    one = simulate(6, 3, errors=CLEAN, render=False)
    rig = one.capture.rig.subset(("cam3", "cam1", "cam4", "cam2"))
    turned = replace(one.capture, scene=replace(one.capture.scene, rig=rig))
    detector = replace(one.detector, scene=turned.scene)
    a = harvest(one.capture, one.detector, tmp_path / "a", options=quick)
    b = harvest(turned, detector, tmp_path / "b", options=quick)
    assert b.view_names == ("cam3", "cam1", "cam4", "cam2")
    torch.testing.assert_close(means(a), means(b), atol=0.05, rtol=0)


def test_a_joint_that_no_camera_sees_is_a_flag(quick: HarvestOptions, tmp_path: Path) -> None:
    """And its limb, which nobody can measure, is a guess that is said to be one."""
    simulation = simulate(6, 4, errors=CLEAN, render=False)
    blind = simulation.detector.skeleton.index("head_top")

    def hide(view: CroppedView, maps: torch.Tensor) -> torch.Tensor:
        maps[blind] = 0
        return maps

    result = harvest(simulation.capture, ChangedDetector(simulation.detector, hide), tmp_path / "h", options=quick)
    for row in result.iter_selected():
        assert row.annotations.supported.tolist() == [joint != blind for joint in range(16)]
        assert not row.selected[blind]
        assert bool(torch.isfinite(row.annotations.mean).all())
    assert pose_errors(result, simulation.truth.positions).mean_mm < 60
    message = next(finding.message for finding in result.info.findings if "never seen whole" in finding.message)
    assert message.startswith("the person: 1 limb is never seen whole, so that the length is a guess")
    assert "upper_neck-head_top" in message


def test_a_wrist_that_no_camera_sees_is_as_long_as_the_other(quick: HarvestOptions, tmp_path: Path) -> None:
    simulation = simulate(6, 4, errors=CLEAN, render=False)
    blind = simulation.detector.skeleton.index("left_wrist")

    def hide(view: CroppedView, maps: torch.Tensor) -> torch.Tensor:
        maps[blind] = 0
        return maps

    result = harvest(simulation.capture, ChangedDetector(simulation.detector, hide), tmp_path / "h", options=quick)
    lengths = result.info.limb_lengths_mm
    assert lengths["left_elbow-left_wrist"] == lengths["right_elbow-right_wrist"]
    (note,) = (finding for finding in result.info.findings if "wrist" in finding.message)
    assert note.topic == "joints out of view"
    assert "left_wrist" in note.message


def test_views_that_drop_out(quick: HarvestOptions, tmp_path: Path) -> None:
    """One view for two frames, then all for two: the first stay, the second hold no annotations, and that is said."""
    simulation = simulate(10, 0, errors=CLEAN, render=False)
    detector = NeedsPictures(simulation.detector, lambda view, maps: maps)
    capture = FrameChanger(simulation.capture, {3: (1,), 4: (1,), 6: (0, 1, 2, 3), 7: (0, 1, 2, 3)})
    result = harvest(capture, detector, tmp_path / "h", options=replace(quick, num_previews=0))
    by_frame = {record.frame: record for record in records(result)}
    assert sorted(by_frame) == [0, 1, 2, 3, 4, 5, 8, 9]
    assert result.preview_frames == ()
    assert [pose.frame for pose in result.filled_poses()] == [6, 7]  # 0.12 s from frame 5 to frame 8
    for frame in (3, 4):
        assert by_frame[frame].crops[1] is None
        assert not bool(by_frame[frame].inside[1].any())
        assert bool(torch.isnan(by_frame[frame].peak_pixels[1]).all())
    assert pose_errors(result, simulation.truth.positions).mean_mm < 60
    messages = [finding.message for finding in result.info.findings if finding.severity == "warning"]
    assert messages == [
        'camera "cam2": absent in 2 of 8 moments, at most 2 in a row; expected it in all: look whether its footage is '
        "whole and shows the person",
        "nobody was found in 2 of 10 frames; they hold no annotations",
    ]


def test_somebody_who_comes_later(quick: HarvestOptions, tmp_path: Path) -> None:
    simulation = simulate(16, 0, errors=CLEAN, render=False)
    detector = ChangedDetector(simulation.detector, lambda view, maps: maps * (view.frame >= 5))
    result = harvest(simulation.capture, detector, tmp_path / "h", options=quick)
    assert [record.frame for record in records(result)] == list(range(10, 16))
    assert any(one.message.startswith("nobody was found in 10 of 16 frames") for one in result.info.findings)


def test_nobody_at_all_is_an_error_and_leaves_nothing(simulation: Simulation, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"synthetic: nobody was found in frames 0 to 11: no two views agree"):
        harvest(simulation.capture, ChangedDetector(simulation.detector, nobody), tmp_path / "h")
    assert not list(tmp_path.iterdir())


def copied(harvest: Harvest, path: Path) -> Harvest:
    """Copy a harvest, so that it stands where another is to be made."""
    return Harvest.open(shutil.copytree(harvest.path, path))


def test_an_error_on_the_way_leaves_nothing(
    harvested: Harvest, simulation: Simulation, quick: HarvestOptions, tmp_path: Path
) -> None:
    """Nothing under the name, and what stood there before stays; the learned limbs are kept beside it."""

    def fail_late(view: CroppedView, maps: torch.Tensor) -> torch.Tensor:
        if view.frame > 9:
            raise DetectorError("the device is gone")
        return maps

    detector = ChangedDetector(simulation.detector, fail_late)
    with pytest.raises(DetectorError, match="the device is gone"):
        harvest(simulation.capture, detector, tmp_path / "h", options=quick)
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith(".h.partial-")
    first = copied(harvested, tmp_path / "h")
    with pytest.raises(DetectorError):
        harvest(simulation.capture, detector, tmp_path / "h", options=quick, overwrite=True)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["h"]
    assert Harvest.open(tmp_path / "h").info == first.info


def test_what_exists_is_replaced_only_on_demand(
    harvested: Harvest, simulation: Simulation, quick: HarvestOptions, tmp_path: Path
) -> None:
    first, options = copied(harvested, tmp_path / "h"), replace(quick, stop=5)
    with pytest.raises(StoreError, match=r"h: already exists: choose another output, or ask to overwrite it"):
        harvest(simulation.capture, simulation.detector, tmp_path / "h", options=options)
    assert Harvest.open(first.path).info == harvested.info
    again = harvest(simulation.capture, simulation.detector, tmp_path / "h", options=options, overwrite=True)
    assert Harvest.open(again.path).info.counts.frames == 5


def test_a_range_of_frames_keeps_its_numbers_and_progress_only_grows(
    simulation: Simulation, quick: HarvestOptions, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    options = replace(quick, start=5, stop=9)
    result = harvest(simulation.capture, simulation.detector, tmp_path / "h", options=options, on_progress=seen.append)
    done = [one.done for one in seen]
    assert done == sorted(done)
    assert done[0] == 0
    assert done[-1] == 4
    assert {one.total for one in seen} == {4}
    assert seen[0].stage.startswith("looking at the subject")
    assert seen[-1].stage == "selecting annotations"
    assert [record.frame for record in records(result)] == [5, 6, 7, 8]
    assert records(result)[0].time_s == pytest.approx(5 / 25)
    with pytest.raises(CaptureError, match="synthetic: expected a first frame of 0 to 11, got 12"):
        harvest(simulation.capture, simulation.detector, tmp_path / "none", options=replace(quick, start=12))


def test_pictures_are_kept_for_the_report(quick: HarvestOptions, tmp_path: Path) -> None:
    """Two frames of four, from the middle of each half, in every view that had a picture."""
    simulation = simulate(4, 0, errors=CLEAN, render=False)
    capture = FrameChanger(simulation.capture, {1: (2,)})
    result = harvest(capture, simulation.detector, tmp_path / "h", options=quick)
    assert result.preview_frames == (1, 3)
    assert [result.preview(1, view) is not None for view in result.view_names] == [True, True, False, True]


def test_given_lengths_are_taken_as_they_are(simulation: Simulation, quick: HarvestOptions, tmp_path: Path) -> None:
    limbs = simulation.detector.skeleton.limbs
    ends = [
        (simulation.detector.skeleton.index(limb.parent), simulation.detector.skeleton.index(limb.child))
        for limb in limbs
    ]
    true = simulation.truth.positions[0]
    lengths = {
        (limb.parent, limb.child): float((true[a] - true[b]).norm()) for limb, (a, b) in zip(limbs, ends, strict=True)
    }
    options = replace(quick, stop=4)
    result = harvest(
        simulation.capture, simulation.detector, tmp_path / "h", options=options, limb_lengths=LimbLengths(lengths)
    )
    assert result.info.limb_lengths_mm == {"-".join(limb): length for limb, length in lengths.items()}
    assert result.info.options["limb_lengths_given"] is True
    few = {("pelvis", "thorax"): 480.0}
    with pytest.raises(ConfigError, match=r'limb lengths: expected a positive length of ".*" in mm, got None'):
        harvest(simulation.capture, simulation.detector, tmp_path / "few", limb_lengths=LimbLengths(few))
    odd = LimbLengths({**lengths, ("thorax", "tail"): 300.0})
    with pytest.raises(ConfigError, match=r"limb lengths: expected limbs among .*, got thorax-tail"):
        harvest(simulation.capture, simulation.detector, tmp_path / "odd", limb_lengths=odd)
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


def test_boxes_of_other_views(simulation: Simulation, quick: HarvestOptions, tmp_path: Path) -> None:
    crop = Crop((500.0, 500.0), 500.0)
    with pytest.raises(ConfigError, match="boxes: expected views among cam1, cam2, cam3, cam4, got camA"):
        harvest(simulation.capture, simulation.detector, tmp_path / "h", boxes=Boxes({(0, "camA"): crop}))
    some = Boxes({(0, "camA"): crop, (0, "cam1"): crop})
    result = harvest(
        simulation.capture, simulation.detector, tmp_path / "h", options=replace(quick, stop=4), boxes=some
    )
    assert [finding.topic for finding in result.info.findings if finding.severity != "note"] == ["boxes"]
    assert result.info.options["boxes_given"] is True


def scaled(simulation: Simulation, factor: float) -> FrameChanger:
    """The same footage, its calibration in another unit."""
    cameras = [c for c in simulation.capture.rig if isinstance(c, Camera)]
    rig = Rig(tuple(replace(camera, translation=camera.translation * factor) for camera in cameras))
    return FrameChanger(simulation.capture, other_rig=rig)


def test_metres_given_as_millimetres_end_the_harvest(simulation: Simulation, tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="are metres given as millimetres"):
        harvest(scaled(simulation, 1e-3), simulation.detector, tmp_path / "h")
    assert not list(tmp_path.iterdir())


def test_a_wrong_unit_that_the_cameras_hide_shows_in_the_limbs(
    simulation: Simulation, quick: HarvestOptions, tmp_path: Path
) -> None:
    """Centimetres as millimetres: cameras 0.4 m apart are possible, limbs of 30 mm are not."""
    wrong = scaled(simulation, 0.1)
    with pytest.raises(CalibrationError, match=r"expected limbs of 60 to 800 mm, got a median of .*; try unit=cm"):
        harvest(wrong, simulation.detector, tmp_path / "h", options=quick)
    assert not list(tmp_path.iterdir())
    options = replace(quick, ignore_audit=True, stop=4)
    result = harvest(wrong, simulation.detector, tmp_path / "h", options=options)
    assert any("try unit=cm" in finding.message for finding in result.info.findings)


@dataclass(frozen=True, eq=False)
class CountedCapture(FrameChanger):
    """Counts how many of its frames are alive whenever it is asked for the next."""

    alive: list[int] = field(default_factory=list)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        frames: list[weakref.ref[MultiViewFrame]] = []
        for frame in super().frames(start, stop):
            frames.append(weakref.ref(frame))
            yield frame
            del frame
            gc.collect()
            self.alive.append(sum(ref() is not None for ref in frames))


def test_frames_stream(quick: HarvestOptions, tmp_path: Path) -> None:
    """However many were seen, no more than two batches of pictures are alive."""
    simulation = simulate(14, 0, errors=CLEAN, render=False)
    capture = CountedCapture(simulation.capture)
    harvest(capture, simulation.detector, tmp_path / "h", options=replace(quick, num_previews=0))
    assert len(capture.alive) == 14
    assert max(capture.alive) <= 2 * batch_length(capture.frame_rate)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"warm_up_frames": 2}, "warm_up_frames: expected at least 3, got 2"),
        ({"start": -1}, "frames: expected a range, got -1 to None"),
        ({"start": 5, "stop": 5}, "frames: expected a range, got 5 to 5"),
        ({"num_previews": -1}, "num_previews: expected 0 or more, got -1"),
        ({"device": "abacus"}, 'device: "abacus" cannot be used: '),
    ],
)
def test_options_are_checked(change: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        HarvestOptions(**change)  # type: ignore[arg-type]
