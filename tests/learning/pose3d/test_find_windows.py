"""The shipped network finds the person in drawn pictures, and its windows go into a prediction."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from poseharvest.arrays import Image
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import ConfigError, NobodyFoundError
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.learning.pose3d.find_windows import find_boxes
from poseharvest.learning.pose3d.input_pictures import PictureInput, open_pictures
from poseharvest.learning.pose3d.pose_model import PoseModel, new_regressor
from poseharvest.learning.pose3d.predict_poses import Situation, predict
from poseharvest.localization.boxes import Boxes, read_boxes, write_boxes
from poseharvest.localization.limits import CROP_SCALE
from poseharvest.skeleton.definitions import LSP14, MPII16
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.studio import StudioPicture, sample

HEIGHT, WIDTH = 200, 320


@dataclass(frozen=True)
class Scene:
    """A wide picture with somebody on one side of it."""

    image: Image
    joints: Tensor

    @property
    def window(self) -> Crop:
        """The true one."""
        return crop_around(self.joints, CROP_SCALE)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def detector() -> HeatmapDetector:
    return load_detector("hourglass")


@pytest.fixture(scope="module")
def drawn() -> StudioPicture:
    """420 x 420 pixels, somebody of 80 to 110 who stands in the middle."""
    return sample("generic", 90, 2, size=120, margin=3.5)


@pytest.fixture(scope="module")
def untrained() -> PoseModel:
    return PoseModel(new_regressor(MPII16, input_px=64, features=2, seed=0).eval(), MPII16, LimbLengths({}))


def cut(picture: StudioPicture, left: int, top: int = 105) -> Scene:
    image = np.ascontiguousarray(picture.image[top : top + HEIGHT, left : left + WIDTH])
    return Scene(image, picture.joints - torch.tensor([left, top]))


def write_folder(folder: Path, images: list[Image]) -> Path:
    folder.mkdir()
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number}.png"), image[:, :, ::-1])
    return folder


def write_video(path: Path, images: list[Image]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def overlap(a: Crop, b: Crop) -> float:
    """Intersection over union of two windows."""
    sides = [
        min(x + a.side / 2, y + b.side / 2) - max(x - a.side / 2, y - b.side / 2)
        for x, y in zip(a.center, b.center, strict=True)
    ]
    common = max(sides[0], 0) * max(sides[1], 0)
    return common / (a.side**2 + b.side**2 - common)


def found(boxes: Boxes, frame: int = 0) -> Crop:
    window = boxes.at(frame, boxes.views[0])
    assert window is not None
    return window


def empty(scene: Scene) -> Image:
    """Nothing but a wall."""
    return np.full_like(scene.image, 110)


@pytest.mark.slow
def test_somebody_off_the_middle_of_a_wide_picture_is_found(detector, tmp_path):
    """The shipped network is small, and takes a poster or half a person for one now and then."""
    pictures = [sample("generic", 90, index, size=120, margin=3.5) for index in range(3)]
    scenes = [cut(picture, left) for picture in pictures for left in (20, picture.image.shape[1] - WIDTH)]
    boxes = find_boxes(open_pictures(write_folder(tmp_path / "in", [scene.image for scene in scenes])), detector)
    whole = Crop(((WIDTH - 1) / 2, (HEIGHT - 1) / 2), float(WIDTH))
    assert all(overlap(whole, scene.window) < 0.35 for scene in scenes)
    overlaps = [overlap(found(boxes, frame), scene.window) for frame, scene in enumerate(scenes)]
    assert sum(value > 0.75 for value in overlaps) >= 0.75 * len(scenes), overlaps


def test_shifting_and_mirroring_the_picture_do_so_to_the_window(detector, drawn, tmp_path):
    here, there = cut(drawn, 20, 95), cut(drawn, 85, 120)
    mirrored = np.ascontiguousarray(here.image[:, ::-1])
    folder = write_folder(tmp_path / "in", [here.image, there.image, mirrored])
    boxes = find_boxes(open_pictures(folder), detector)
    first, second, third = (found(boxes, frame) for frame in range(3))
    x, y = first.center
    assert overlap(second, Crop((x - 65, y - 25), first.side)) > 0.9
    assert overlap(third, Crop((WIDTH - 1 - x, y), first.side)) > 0.8


@pytest.mark.slow
def test_in_a_video_the_person_is_followed_and_in_a_folder_searched_anew(detector, drawn, tmp_path):
    """The camera pans; the same pictures as a sequence ask for far fewer windows."""
    scenes = [cut(drawn, left) for left in range(20, 92, 18)]
    images = [scene.image for scene in scenes]
    folder = write_folder(tmp_path / "in", images)
    sources = (
        open_pictures(write_video(tmp_path / "v.mp4", images)),
        open_pictures(folder, sequence=True),
        open_pictures(folder),
    )
    counts = []
    for source in sources:
        counter = Counter(detector)
        boxes = find_boxes(source, counter)
        counts.append(counter.num_windows)
        for frame, scene in enumerate(scenes):
            assert overlap(found(boxes, frame), scene.window) > 0.75
    assert [source.is_sequence for source in sources] == [True, True, False]
    assert counts[0] < 2 * counts[2] / len(scenes)
    assert counts[1] < 2 * counts[2] / len(scenes)


class Counter:
    """Counts the windows that go through a detector."""

    def __init__(self, inner):
        self.inner, self.num_windows = inner, 0
        self.name, self.skeleton, self.heatmap_size = inner.name, inner.skeleton, inner.heatmap_size
        self.needs_images = True

    def detect(self, views):
        self.num_windows += len(views)
        return self.inner.detect(views)


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_pictures_of_nobody_have_no_rows_and_are_counted(detector, drawn, untrained, tmp_path):
    scene = cut(drawn, 20)
    source = open_pictures(write_folder(tmp_path / "in", [empty(scene), scene.image, empty(scene)]))
    result = predict(untrained, source, tmp_path / "out", situation=Situation(detector=detector))
    assert (result.num_pictures, result.num_poses, result.findings) == (3, 1, ())
    assert {row["frame"] for row in rows_of(result.poses)} == {"1"}
    record = json.loads((tmp_path / "out" / "prediction.json").read_text())
    assert (record["window"], record["num_pictures"], record["num_poses"]) == ("found by hourglass", 3, 1)


def test_the_boxes_that_were_found_give_the_same_poses_again(detector, drawn, untrained, tmp_path):
    """They are written beside the poses; whoever gives them again needs no detector."""
    source = open_pictures(write_folder(tmp_path / "in", [cut(drawn, left).image for left in (20, 60)]))
    once = predict(untrained, source, tmp_path / "once", situation=Situation(detector=detector))
    boxes = read_boxes(tmp_path / "once" / "boxes.csv")
    again = predict(untrained, source, tmp_path / "again", situation=Situation(boxes=boxes))
    for first, second in zip(rows_of(once.poses), rows_of(again.poses), strict=True):
        assert (first["frame"], first["joint"]) == (second["frame"], second["joint"])
        for column in ("u", "v", "depth"):
            assert float(first[column]) == pytest.approx(float(second[column]), abs=0.02)
    assert not (tmp_path / "again" / "boxes.csv").exists()
    in_memory = find_boxes(source, detector)
    assert in_memory.crops.keys() == boxes.crops.keys()
    write_boxes(in_memory, tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text() == (tmp_path / "once" / "boxes.csv").read_text()


def test_other_joints_than_the_networks_are_warned_of(detector, drawn, tmp_path):
    model = PoseModel(new_regressor(LSP14, input_px=64, features=2, seed=0).eval(), LSP14, LimbLengths({}))
    source = open_pictures(write_folder(tmp_path / "in", [cut(drawn, 20).image]))
    result = predict(model, source, tmp_path / "out", situation=Situation(detector=detector))
    assert [finding.split(":")[0] for finding in result.findings] == [
        "hourglass has other joints than the network, which learned from windows around its own"
    ]


def test_what_cannot_be_is_named(detector, drawn, untrained, tmp_path):
    nobody: PictureInput = open_pictures(write_folder(tmp_path / "in", [empty(cut(drawn, 20))] * 2))
    with pytest.raises(NobodyFoundError, match="in: expected a person in one of the 2 pictures, hourglass found none"):
        predict(untrained, nobody, tmp_path / "out", situation=Situation(detector=detector))
    assert not (tmp_path / "out" / "poses.csv").exists()
    assert find_boxes(nobody, detector).crops == {}
    with pytest.raises(ConfigError, match="windows: expected boxes or a detector that finds them, got both"):
        Situation(boxes=Boxes({(0, "a"): Crop((1.0, 1.0), 2.0)}), detector=detector)
