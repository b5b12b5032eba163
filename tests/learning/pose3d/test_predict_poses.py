import csv
import json
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
import torch

from poseharvest.errors import CalibrationError, CaptureError, ConfigError, StoreError
from poseharvest.geometry.crop import Crop
from poseharvest.learning.pose3d.input_pictures import Picture, open_pictures
from poseharvest.learning.pose3d.pose_labels import axial_depth
from poseharvest.learning.pose3d.pose_model import PoseModel, new_regressor
from poseharvest.learning.pose3d.predict_poses import COLUMNS, Situation, predict, predict_pose
from poseharvest.learning.pose3d.scaling import WindowPose, numbers_from_pose
from poseharvest.localization.boxes import Boxes
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.limb_lengths import LimbLengths

ROOT = MPII16.index("pelvis")
WINDOW = Crop((150.0, 110.0), 180.0)


class Oracle(torch.nn.Module):
    """Gives what a perfect network would say of one pose, whatever the picture."""

    def __init__(self, numbers):
        super().__init__()
        self.numbers = torch.nn.Parameter(numbers)
        self.input_size = (64, 64)

    def forward(self, pictures):
        return self.numbers.expand(pictures.shape[0], -1, -1)


def lengths_of(points):
    def length(limb):
        return float((points[MPII16.index(limb.parent)] - points[MPII16.index(limb.child)]).norm())

    return LimbLengths({(limb.parent, limb.child): length(limb) for limb in MPII16.limbs})


@pytest.fixture
def known(simulation):
    """A camera, the true joints in its system, and a model that sees them truly."""
    camera, points = simulation.capture.rig.cameras[0], simulation.truth.positions[3]
    depth = axial_depth(camera, points)
    pixels = WINDOW.to_window(camera.project(points).pixels, (64, 64))
    numbers = numbers_from_pose(WindowPose(pixels, depth - depth[ROOT]), (64, 64))
    model = PoseModel(Oracle(numbers), MPII16, lengths_of(points))
    return camera, points @ camera.rotation.double().T + camera.translation.double(), model


@pytest.fixture
def picture():
    return Picture(0, "p.png", np.zeros((240, 320, 3), np.uint8))


@pytest.fixture
def untrained():
    return PoseModel(new_regressor(MPII16, input_px=64, features=2, seed=0).eval(), MPII16, LimbLengths({}))


def write_pictures(folder, names, size=(90, 120)):
    folder.mkdir()
    for number, name in enumerate(names):
        image = np.random.default_rng(number).integers(0, 255, (*size, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), image)
    return folder


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_given_root_depth_gives_the_true_pose(known, picture):
    camera, points, model = known
    found = predict_pose(model, picture, WINDOW, Situation(camera, root_depth_mm=float(points[ROOT, 2])))
    assert torch.allclose(found.points_mm, points, atol=0.5)  # the network's numbers are float32
    assert torch.allclose(found.depth_mm, points[:, 2] - points[ROOT, 2], atol=0.01)


def test_limb_lengths_give_the_true_pose_and_wrong_ones_one_as_far_off(known, picture):
    camera, points, model = known
    found = predict_pose(model, picture, WINDOW, Situation(camera))
    assert torch.allclose(found.points_mm, points, atol=2.0)
    taller = LimbLengths({limb: 1.1 * length for limb, length in model.limb_lengths.mm.items()})
    farther = predict_pose(model, picture, WINDOW, Situation(camera, limb_lengths=taller))
    assert 1.05 < float(farther.points_mm[ROOT, 2] / points[ROOT, 2]) < 1.15


def test_without_a_camera_there_are_pixels_and_depths_alone(known, picture):
    camera, points, model = known
    found = predict_pose(model, picture, WINDOW, Situation())
    assert found.points_mm is None
    world = (points - camera.translation.double()) @ camera.rotation.double()
    assert torch.allclose(found.pixels, camera.project(world).pixels, atol=1e-3)


def test_a_folder_of_pictures(untrained, simulation, tmp_path):
    folder = write_pictures(tmp_path / "in", ["b10.png", "b9.jpg"], size=(240, 320))
    camera = simulation.capture.rig.cameras[0]
    events = []
    out = predict(
        untrained,
        open_pictures(folder),
        tmp_path / "out",
        situation=Situation(camera, root_depth_mm=2500.0),
        on_progress=events.append,
    )
    rows = rows_of(out.poses)
    assert tuple(rows[0]) == COLUMNS
    assert [row["picture"] for row in rows] == ["b9.jpg"] * 16 + ["b10.png"] * 16
    assert [row["joint"] for row in rows[:16]] == list(MPII16.joints)
    assert all(float(row["z"]) == pytest.approx(2500 + float(row["depth"]), abs=0.02) for row in rows)
    record = json.loads((tmp_path / "out" / "prediction.json").read_text())
    assert (record["finished"], record["root_depth"], record["num_poses"]) == (True, "given", 2)
    assert [event.done for event in events] == [1, 2]
    with pytest.raises(StoreError, match="already exists: choose another output"):
        predict(untrained, open_pictures(folder), tmp_path / "out")


def test_a_video_gives_what_its_pictures_give(untrained, tmp_path):
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for shade in (40, 90, 200):
            picture = av.VideoFrame.from_ndarray(np.full((96, 128, 3), shade, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    source = open_pictures(path)
    rows = rows_of(predict(untrained, source, tmp_path / "out").poses)
    assert [int(row["frame"]) for row in rows[::16]] == [0, 1, 2]
    assert rows[0]["x"] == ""
    last = list(source)[2]
    pose = predict_pose(untrained, last, Crop((63.5, 47.5), 128.0), Situation())
    assert [float(row["u"]) for row in rows[32:]] == pytest.approx(pose.pixels[:, 0].tolist(), abs=1e-3)


def test_boxes_say_where_the_person_is(untrained, tmp_path):
    folder = write_pictures(tmp_path / "in", ["0.png", "1.png"])
    boxes = Boxes({(1, "cam"): Crop((60.0, 40.0), 50.0)})
    rows = rows_of(predict(untrained, open_pictures(folder), tmp_path / "out", situation=Situation(boxes=boxes)).poses)
    assert {row["frame"] for row in rows} == {"1"}
    nowhere = Situation(boxes=Boxes({(7, "cam"): Crop((60.0, 40.0), 50.0)}))
    with pytest.raises(CaptureError, match="expected a box in one of the 2 pictures, got none"):
        predict(untrained, open_pictures(folder), tmp_path / "none", situation=nowhere)
    assert not (tmp_path / "none" / "poses.csv").exists()
    with pytest.raises(ConfigError, match="boxes: expected those of one view, got a, b"):
        Situation(boxes=Boxes({(0, "a"): WINDOW, (0, "b"): WINDOW}))


def test_bad_input_is_named(known, picture, tmp_path):
    camera, _, model = known
    with pytest.raises(CalibrationError, match=r"is calibrated for pictures of \(240, 320\) \(height, width\), got p"):
        predict_pose(model, replace(picture, image=picture.image[:-1]), WINDOW, Situation(camera))
    with pytest.raises(ConfigError, match="expected a distance above 0 mm, got -5"):
        Situation(camera, root_depth_mm=-5)
    with pytest.raises(ConfigError, match="root depth: expected a calibrated camera with it, got none"):
        Situation(root_depth_mm=2000)
    with pytest.raises(CaptureError, match="gone: expected a picture, a folder of pictures or a video, found none"):
        open_pictures(tmp_path / "gone")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(CaptureError, match=r"broken\.jpg: expected a picture, got a file that is damaged"):
        list(open_pictures(tmp_path / "broken.jpg"))


def test_pictures_with_poses_are_written_when_asked_for(untrained, tmp_path):
    write_pictures(tmp_path / "in", [f"{number}.png" for number in range(5)])
    pictures = open_pictures(tmp_path / "in")
    result = predict(untrained, pictures, tmp_path / "out", num_overlays=2)
    assert sorted(path.name for path in result.overlays.iterdir()) == ["000001.jpg", "000003.jpg"]
    assert predict(untrained, pictures, tmp_path / "none").overlays is None
