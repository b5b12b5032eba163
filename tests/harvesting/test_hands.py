"""Hands of a person with known hands: exact, honest about it, and silent where nobody sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from poseharvest.annotations.dense_arrays import dense_covariances, dense_positions, frames_and_people
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.capture.frames import pictures_of
from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.detectors.protocol import CroppedView
from poseharvest.errors import ConfigError
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.progress import Progress
from poseharvest.simulation import CLEAN, simulate
from poseharvest.simulation.hand_scene import LAYOUT, HandErrors, HandScene, make_hand_scene
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.hands import HAND_JOINTS

OPTIONS = HarvestOptions(
    inference=InferenceOptions(resolution=32), hands=True, warm_up_frames=48, num_previews=0, ignore_audit=False
)
COARSE = replace(OPTIONS, inference=InferenceOptions(resolution=16), warm_up_frames=16)
WITHIN_90 = 6.251  # squared Mahalanobis distance of nine tenths in three dimensions


@dataclass(frozen=True)
class Made:
    """A harvest of a scene: (F, 2, 20, 3) positions and (F, 2, 20, 3, 3) covariances of fingers, mm."""

    scene: HandScene
    harvest: Harvest
    points: Tensor
    cov: Tensor

    @property
    def errors_mm(self) -> Tensor:
        return torch.linalg.vector_norm(self.points - self.scene.hands[:, :, 1:], dim=-1)

    def held(self) -> float:
        """The share of ellipsoids of nine tenths that hold the truth."""
        known = torch.isfinite(self.points).all(-1)
        off = (self.points - self.scene.hands[:, :, 1:])[known]
        squares = (off * torch.linalg.solve(self.cov[known], off[..., None])[..., 0]).sum(-1)
        return float((squares < WITHIN_90).double().mean())

    def messages(self) -> str:
        return "\n".join(f"{one.severity} {one.topic}: {one.message}" for one in self.harvest.info.findings)


def detector_of(scene: HandScene) -> KeypointDetector:
    return KeypointDetector(scene.folder, KeypointOptions(layout=LAYOUT, frame_offset=0))


def made(folder: Path, scene: HandScene, options: HarvestOptions = OPTIONS) -> Made:
    done = harvest(scene.capture, detector_of(scene), folder / "out", options=options)
    axes, count = frames_and_people(done), len(MPII16)
    points, cov = (torch.from_numpy(of(done, axes))[:, 0, count:] for of in (dense_positions, dense_covariances))
    return Made(scene, done, points.unflatten(1, (2, 20)), cov.unflatten(1, (2, 20)))


@pytest.fixture(scope="module")
def usual(tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("hands")
    return made(folder, make_hand_scene(folder / "keypoints", 48, 1))


@pytest.mark.slow
def test_hands_are_nearer_to_the_truth_than_plain_triangulation(usual):
    plain = torch.linalg.vector_norm(usual.scene.triangulated()[:, :, 1:] - usual.scene.hands[:, :, 1:], dim=-1)
    both = torch.isfinite(plain) & torch.isfinite(usual.errors_mm)
    assert both.double().mean() > 0.99
    assert usual.errors_mm[both].mean() < 0.85 * plain[both].mean()


@pytest.mark.slow
def test_nine_tenths_of_the_ellipsoids_hold_the_truth(usual):
    assert 0.85 <= usual.held() <= 0.95


@pytest.mark.slow
def test_limbs_are_as_long_as_they_are_also_those_that_are_shorter_than_the_errors(usual):
    true = usual.scene.hands[0, 0]
    lengths = usual.harvest.info.limb_lengths_mm
    for number, finger in enumerate(("thumb", "index", "middle", "ring", "pinky")):
        for joint in range(1, 5):
            place = 4 * number + joint
            parent = "left_wrist" if joint == 1 else f"left_{finger}_{joint - 1}"
            length = float(torch.linalg.vector_norm(true[place] - true[0 if joint == 1 else place - 1]))
            assert abs(lengths[f"{parent}-left_{finger}_{joint}"] - length) < 0.1 * length + 2.0


@pytest.mark.slow
def test_the_harvest_says_that_hands_are_there(usual):
    hands = usual.harvest.info.hands
    assert hands is not None
    assert hands.learned
    assert hands.joints == HAND_JOINTS == usual.harvest.skeleton.joints[len(MPII16) :]
    assert hands.frames == 48
    assert hands.frames_seen == {"left": 48, "right": 48}
    assert hands.refinement is not None
    assert hands.refinement["calibrated"]
    selected = {one.joint: one for one in usual.harvest.info.selection.joints}
    assert selected["left_index_4"].selected == round(0.7 * 48)


@pytest.mark.slow
def test_the_body_stays_as_it_is_to_the_last_bit(usual, tmp_path):
    scene = usual.scene
    alone = harvest(scene.capture, detector_of(scene), tmp_path / "alone", options=replace(OPTIONS, hands=False))
    assert alone.info.hands is None
    assert alone.skeleton == MPII16
    count = len(MPII16)
    for with_hands, without in zip(usual.harvest.iter_frames(), alone.iter_frames(), strict=True):
        assert torch.equal(with_hands.mean[:count], without.mean)
        assert torch.equal(with_hands.cov[:count], without.cov)
        assert torch.equal(with_hands.supported[:count], without.supported)
        assert torch.equal(with_hands.pixels[:, :count], without.pixels)
    own = {name: mm for name, mm in usual.harvest.info.limb_lengths_mm.items() if name in alone.info.limb_lengths_mm}
    assert own == alone.info.limb_lengths_mm


@pytest.mark.slow
def test_a_hand_that_a_view_misses_is_known_by_the_others_and_one_that_nobody_sees_is_nowhere(tmp_path):
    errors = HandErrors(unseen=frozenset({(0, 2), *((1, view) for view in range(4))}))
    one = made(tmp_path, make_hand_scene(tmp_path / "keypoints", 24, 2, errors))
    assert torch.isfinite(one.points[:, 0]).double().mean() > 0.98
    assert float(one.errors_mm[:, 0].nanmean()) < 20
    assert not torch.isfinite(one.points[:, 1]).any()
    assert not any(row.supported[-20:].any() for row in one.harvest.iter_frames())
    assert one.harvest.info.hands.frames_seen == {"left": 24, "right": 0}
    assert "warning hands: the right hand is seen by two views in no frame" in one.messages()
    assert "left hand is seen" not in one.messages()


@pytest.mark.slow
def test_hands_that_one_view_calls_by_each_others_names_stay_at_their_wrists(tmp_path):
    usual, exchanged = (
        made(
            tmp_path / str(view),
            make_hand_scene(tmp_path / str(view) / "keypoints", 16, 3, HandErrors(exchanged=view)),
            COARSE,
        )
        for view in (None, 1)
    )
    assert usual.harvest.info.hands.exchanged < 4
    assert exchanged.harvest.info.hands.exchanged > 25
    assert "hands were called left in a picture where they start at the right wrist" in exchanged.messages()
    assert (usual.errors_mm.mean() - exchanged.errors_mm.mean()).abs() < 1.0


@pytest.mark.slow
def test_a_keypoint_outside_the_cube_of_its_hand_is_left_out_and_named(tmp_path):
    one = made(tmp_path, make_hand_scene(tmp_path / "keypoints", 16, 4, HandErrors(missing=0.0, thrown=(0, 1))), COARSE)
    assert one.harvest.info.hands.outside >= 16
    assert "keypoints of hands lie outside the cube around their hand, and were not used" in one.messages()
    tip = one.errors_mm[:, 0, 4 * 3 - 1]
    assert float(tip.mean()) < 40


@pytest.mark.slow
def test_an_interrupted_harvest_of_hands_ends_as_if_nothing_had_happened(tmp_path, monkeypatch):
    monkeypatch.setitem(HarvestWriter.__init__.__kwdefaults__, "records_per_part", 7)
    scene, options = make_hand_scene(tmp_path / "keypoints", 40, 5), replace(COARSE, warm_up_frames=10)
    whole = harvest(scene.capture, detector_of(scene), tmp_path / "whole", options=options)

    class Killed(BaseException):
        pass

    def dies(progress: Progress) -> None:
        if progress.stage == "harvesting" and progress.done > 30:
            raise Killed

    with pytest.raises(Killed):
        harvest(scene.capture, detector_of(scene), tmp_path / "again", options=options, on_progress=dies)
    again = harvest(scene.capture, detector_of(scene), tmp_path / "again", options=options, resume=True)
    parts = sorted((whole.path / "annotations").iterdir())
    assert len(parts) > 3
    for part in parts:
        assert part.read_bytes() == (again.path / "annotations" / part.name).read_bytes()
    assert again.info.model_dump(exclude={"created"}) == whole.info.model_dump(exclude={"created"})


def test_too_few_frames_with_hands_give_no_joint_and_say_so(tmp_path):
    errors = HandErrors(unseen=frozenset((side, view) for side in (0, 1) for view in (0, 1, 2)))
    one = made(tmp_path, make_hand_scene(tmp_path / "keypoints", 6, 6, errors), COARSE)
    assert not one.harvest.info.hands.learned
    assert not torch.isfinite(one.points).any()
    assert np.isfinite([row.mean[-1].numpy() for row in one.harvest.iter_frames()]).all()
    assert "too little is seen of hands" in one.messages()


class WholeBody:
    """Gives what the files say as a network would: heatmaps of windows, and hands only in a window it is shown."""

    needs_images = False
    holds_hands = True

    def __init__(self, files: KeypointDetector) -> None:
        self._files = files
        self.name, self.skeleton, self.heatmap_size = files.name, files.skeleton, files.heatmap_size
        self.windows: list[CroppedView] = []

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        return self._files.detect(views)

    def hands_in(self, views: Sequence[CroppedView]) -> list[Tensor]:
        self.windows += views
        return [self._files.hands(view.view, view.picture)[0] for view in views]


@pytest.mark.slow
def test_a_network_of_the_whole_body_gives_hands_as_files_do(usual, tmp_path):
    """The body's heatmaps are the same, so the hands are too, within what the body's wrists and choices differ by."""
    network = WholeBody(detector_of(usual.scene).fitted_to(pictures_of(usual.scene.capture)).detector)
    done = harvest(usual.scene.capture, network, tmp_path / "out", options=OPTIONS)
    assert done.info.hands.learned
    assert done.info.hands.frames_seen == usual.harvest.info.hands.frames_seen
    axes, count = frames_and_people(done), len(MPII16)
    points = torch.from_numpy(dense_positions(done, axes))[:, 0, count:].unflatten(1, (2, 20))
    errors = torch.linalg.vector_norm(points - usual.scene.hands[:, :, 1:], dim=-1)
    assert float(errors.nanmean()) < 1.1 * float(usual.errors_mm.nanmean())
    looked_at = {(view.frame, view.crop) for view in network.windows}
    last = list(done.iter_frames())[-1]
    assert {(last.frame, crop) for crop in last.crops if crop is not None} <= looked_at  # windows of the whole person


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"people": 2}, "hands: expected one person in frames in a row, got several people: leave --hands out"),
        ({"people": None}, "got several people"),
        ({"moments": True}, "got moments"),
    ],
)
def test_hands_are_of_one_person_in_frames_in_a_row(changes, message):
    with pytest.raises(ConfigError, match=message):
        replace(OPTIONS, **changes)


def test_a_detector_without_hands_is_refused_before_anything_is_done(tmp_path):
    walk = simulate(4, 0, errors=CLEAN, render=False)
    with pytest.raises(ConfigError, match=r"hands: expected keypoint files that hold hands, .* gives no hands"):
        harvest(walk.capture, walk.detector, tmp_path / "out", options=OPTIONS)
    scene = make_hand_scene(tmp_path / "keypoints", 4, 0, HandErrors(missing=1.0))
    with pytest.raises(ConfigError, match="the files hold none: leave --hands out"):
        harvest(scene.capture, detector_of(scene), tmp_path / "out", options=OPTIONS)
    assert not (tmp_path / "out").exists()
