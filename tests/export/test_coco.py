"""COCO files: whole by the format's own rules, and a trainer's masked loss sees reliable joints only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from harvest_kit import FRAME_RATE, make_records, make_rig, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.export.registry import export, export_with_findings
from poseharvest.geometry.rig import Rig


@pytest.fixture(scope="module")
def coco(harvest: Harvest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The content of the file of every view."""
    return _read(export(harvest, "coco", tmp_path_factory.mktemp("coco") / "out"), harvest)


def _read(folder: Path, harvest: Harvest) -> dict[str, dict[str, Any]]:
    names = {view: view.replace("/", "%2F") for view in harvest.view_names}
    return {view: json.loads((folder / f"annotations/{name}.json").read_text()) for view, name in names.items()}


def _rows(harvest: Harvest) -> dict[tuple[int, int], SelectedFrame]:
    return {(row.annotations.frame, row.annotations.person): row for row in harvest.iter_selected()}


def _entries(content: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    frames = {image["id"]: image["poseharvest"]["frame"] for image in content["images"]}
    for entry in content["annotations"]:
        yield frames[entry["image_id"]], entry


def test_structure(coco: dict[str, dict[str, Any]], harvest: Harvest) -> None:
    seen: set[int] = set()
    for view, content in coco.items():
        camera = make_rig().camera(view)
        (person,) = content["categories"]
        assert person["keypoints"] == list(harvest.skeleton.joints)
        assert [[person["keypoints"][i - 1] for i in pair] for pair in person["skeleton"]] == [
            [limb.parent, limb.child] for limb in harvest.skeleton.limbs
        ]
        ids = [image["id"] for image in content["images"]]
        assert len(ids) == len(set(ids))
        assert not seen & set(ids), "ids are unique over the views"
        seen |= set(ids)
        assert all((image["height"], image["width"]) == camera.image_size for image in content["images"])
        entry_ids = [entry["id"] for entry in content["annotations"]]
        assert len(entry_ids) == len(set(entry_ids))
        assert 0 not in entry_ids, "COCO's evaluation takes id 0 for no match"
        for _, entry in _entries(content):
            assert entry["category_id"] == person["id"]
            assert entry["iscrowd"] == 0
            keypoints = np.array(entry["keypoints"]).reshape(16, 3)
            assert entry["num_keypoints"] == (keypoints[:, 2] > 0).sum()
            assert (keypoints[keypoints[:, 2] == 0] == 0).all()
            x, y, width, height = entry["bbox"]
            assert 0 <= x < x + width <= camera.image_size[1] + 1e-3
            assert 0 <= y < y + height <= camera.image_size[0] + 1e-3
            assert entry["area"] == pytest.approx(width * height, rel=1e-3)
            inside = np.array(entry["poseharvest"]["pixels"])[entry["poseharvest"]["inside"]]
            assert (inside + 0.5 >= np.array([x, y]) - 2e-3).all()
            assert (inside + 0.5 <= np.array([x + width, y + height]) + 2e-3).all()


def test_visibility_says_what_may_be_learned(coco: dict[str, dict[str, Any]], harvest: Harvest) -> None:
    rows, counts = _rows(harvest), np.zeros(3, int)
    for v, content in enumerate(coco.values()):
        for frame, entry in _entries(content):
            record, selected = rows[frame, 0].annotations, rows[frame, 0].selected
            for joint, (x, y, visibility) in enumerate(np.array(entry["keypoints"]).reshape(16, 3)):
                usable = bool(selected[joint] & record.supported[joint] & record.inside[v, joint])
                assert visibility == (0 if not usable else 2 if record.score[v, joint] >= 0.1 else 1)
                pixel = record.pixels[v, joint].numpy() if usable else np.zeros(2)
                np.testing.assert_allclose([x, y], pixel, atol=1e-3)
                counts[int(visibility)] += 1
    assert (counts > 20).all(), "the harvest has all three kinds"


def test_masked_loss_does_not_see_unreliable_joints(coco: dict[str, dict[str, Any]], harvest: Harvest) -> None:
    """A trainer's loss, weighted by v > 0, has a gradient at reliable joints inside the picture and nowhere else."""
    rows = _rows(harvest)
    for v, content in enumerate(coco.values()):
        for frame, entry in _entries(content):
            target = torch.tensor(entry["keypoints"], dtype=torch.float64).reshape(16, 3)
            estimate = torch.full((16, 2), 1e4, dtype=torch.float64, requires_grad=True)
            weight = (target[:, 2] > 0).double()
            loss = (weight[:, None] * (estimate - target[:, :2]).square()).sum()
            loss.backward()
            learned = estimate.grad.abs().sum(1) > 0
            row = rows[frame, 0]
            assert torch.equal(learned, row.selected & row.annotations.inside[v])


def test_extra_fields_hold_the_uncertainty(coco: dict[str, dict[str, Any]], harvest: Harvest) -> None:
    rows = _rows(harvest)
    for v, content in enumerate(coco.values()):
        for frame, entry in _entries(content):
            row, extra = rows[frame, 0], entry["poseharvest"]
            np.testing.assert_allclose(extra["mean_mm"], row.annotations.mean.numpy(), atol=1e-3)
            upper = row.annotations.cov[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]].numpy()
            np.testing.assert_allclose(extra["cov_mm2"], upper, rtol=1e-6)
            np.testing.assert_allclose(extra["det_mm6"], row.annotations.det.numpy(), rtol=1e-6)
            np.testing.assert_allclose(extra["pixels"], row.annotations.pixels[v].numpy(), atol=1e-3)
            assert extra["selected"] == row.selected.tolist()


def test_absent_views_have_no_image(coco: dict[str, dict[str, Any]], harvest: Harvest) -> None:
    frames = [record.frame for record in harvest.iter_frames()]
    listed = [image["poseharvest"]["frame"] for image in coco["top/side"]["images"]]
    assert listed == [frame for frame in frames if frame % 3 != 2]
    assert [image["file_name"] for image in coco["left"]["images"]][:2] == ["left/000002.jpg", "left/000003.jpg"]
    assert coco["top/side"]["images"][0]["file_name"] == "top%2Fside/000003.jpg"


def test_two_persons_share_an_image(harvest_of_two: Harvest, tmp_path: Path) -> None:
    content = _read(export(harvest_of_two, "coco", tmp_path / "out"), harvest_of_two)["left"]
    assert len(content["images"]) == 6
    people = [(frame, entry["poseharvest"]["person"]) for frame, entry in _entries(content)]
    assert people == [(frame, person) for frame in range(6) for person in (0, 3)]


class _Footage:
    """Pictures whose brightness is the frame's number, in every view's own size."""

    name = "footage"
    frame_rate = FRAME_RATE

    def __init__(self, num_frames: int, rig: Rig | None = None, absent: tuple[int, ...] = ()) -> None:
        self.rig = rig or make_rig()
        self.num_frames = num_frames
        self._absent = absent

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        for i in range(start, self.num_frames if stop is None else stop):
            images = tuple(np.full((*camera.image_size, 3), (8 * i, 0, 255), np.uint8) for camera in self.rig)
            yield MultiViewFrame(i, i / FRAME_RATE, (None,) * 3 if i in self._absent else images)


def test_pictures_of_the_capture(harvest_of_two: Harvest, tmp_path: Path) -> None:
    folder = export(harvest_of_two, "coco", tmp_path / "out", source=_Footage(9), file_names="{view}-{frame}.png")
    for content in _read(folder, harvest_of_two).values():
        for image in content["images"]:
            picture = cv2.imread(str(folder / "images" / image["file_name"]), cv2.IMREAD_COLOR_RGB)
            assert picture.shape == (image["height"], image["width"], 3)
            assert picture[0, 0].tolist() == [8 * image["poseharvest"]["frame"], 0, 255]
    assert len(list((folder / "images").iterdir())) == 6 + 6 + 4


def test_a_capture_that_does_not_fit(harvest_of_two: Harvest, tmp_path: Path) -> None:
    other = make_rig().subset(["right", "left", "top/side"])
    with pytest.raises(ConfigError, match="expected the harvest's views left, right, top/side, got right, left"):
        export(harvest_of_two, "coco", tmp_path / "out", source=_Footage(9, other))
    with pytest.raises(CaptureError, match='"footage": expected the harvested frame 3, it has none'):
        export(harvest_of_two, "coco", tmp_path / "out", source=_Footage(3))
    with pytest.raises(CaptureError, match="left, frame 2: expected the picture that was harvested"):
        export(harvest_of_two, "coco", tmp_path / "out", source=_Footage(9, absent=(2,)))
    with pytest.raises(ConfigError, match=r'expected the ending of a picture format, as in "\.jpg", got "000000\.txt"'):
        export(harvest_of_two, "coco", tmp_path / "out", source=_Footage(9), file_names="{view}/{frame:06d}.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{frame}.jpg", "expected both {view} and {frame}"),
        ("{view}.jpg", "expected both {view} and {frame}"),
        ("{view}/{index}.jpg", "expected only the fields {view} and {frame}"),
        ("{view}/{frame", "expected only the fields {view} and {frame}"),
        ("../{view}/{frame}.jpg", "expected names inside the folder of pictures"),
        ("/{view}/{frame}.jpg", "expected names inside the folder of pictures"),
    ],
)
def test_wrong_file_names(harvest: Harvest, tmp_path: Path, pattern: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"file_names: {message}".replace("{", r"\{")):
        export(harvest, "coco", tmp_path / "out", file_names=pattern)


def test_wrong_numbers(harvest: Harvest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"box_margin: expected 0 or more, got -1\.0"):
        export(harvest, "coco", tmp_path / "out", box_margin=-1.0)
    with pytest.raises(ConfigError, match="occluded_below: expected a heatmap value, got nan"):
        export(harvest, "coco", tmp_path / "out", occluded_below=float("nan"))


def test_keypoints_of_which_none_may_be_learned_are_named(harvest: Harvest, tmp_path: Path) -> None:
    assert export_with_findings(harvest, "coco", tmp_path / "some").findings == ()
    records = make_records(range(3))
    for record in records:
        record.inside[:] = False
    written = export_with_findings(write_harvest(tmp_path / "h", records), "coco", tmp_path / "none")
    assert [finding.message[:24] for finding in written.findings] == ["no keypoint has v > 0: n"]
    for path in (written.path / "annotations").iterdir():
        assert json.loads(path.read_text())["annotations"] == []
