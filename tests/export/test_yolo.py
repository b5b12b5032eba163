"""YOLO-pose read by the rules that its format publishes, and by sleap-io where it is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from export_kit import GreyFootage
from harvest_kit import make_records, make_rig, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.export.registry import export, export_with_findings

yaml = pytest.importorskip("yaml")


@dataclass
class Labelled:
    """A picture with its people, in pixels from its corner."""

    image: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    keypoints: NDArray[np.float64]


def read_split(folder: Path, split: str) -> tuple[dict[str, Any], dict[str, Labelled]]:
    """What a trainer reads: the pictures of a split, each with the text file that lies where `images` is `labels`."""
    content = yaml.safe_load((folder / "data.yaml").read_text())
    num_joints, num_values = content["kpt_shape"]
    found = {}
    for path in sorted((folder / content[split]).glob("*.jpg")):
        image = cv2.imread(str(path))
        text = (path.parents[1] / "labels" / f"{path.stem}.txt").read_text()
        rows = np.array([line.split() for line in text.splitlines()], dtype=float).reshape(-1, 5 + 3 * num_joints)
        assert (rows[:, 0] == 0).all()
        assert ((rows[:, 1:5] >= 0) & (rows[:, 1:5] <= 1)).all()
        keypoints = rows[:, 5:].reshape(-1, num_joints, num_values)
        assert ((keypoints[..., :2] >= 0) & (keypoints[..., :2] <= 1)).all()
        size = np.array(image.shape[1::-1])
        keypoints[..., :2] *= size
        found[path.stem] = Labelled(image, rows[:, 1:5] * [*size, *size], keypoints)
    return content, found


@pytest.fixture(scope="module")
def folder(harvest_of_two: Harvest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(harvest_of_two, "yolo", tmp_path_factory.mktemp("yolo") / "out", source=GreyFootage(), val_share=0.3)


@pytest.fixture(scope="module")
def everything(folder: Path) -> dict[str, Labelled]:
    return {name: one for split in ("train", "val") for name, one in read_split(folder, split)[1].items()}


def test_every_picture_that_was_harvested_is_there_once(folder: Path, everything: dict[str, Labelled]) -> None:
    expected = {f"{view}_{frame:06d}" for view in ("left", "right") for frame in range(6)}
    assert set(everything) == expected | {f"top%2Fside_{frame:06d}" for frame in (0, 1, 3, 4)}
    validated = {name[-1] for name in read_split(folder, "val")[1]}
    assert validated == {"4", "5"}, "the last frames of all views"
    for name, one in everything.items():
        view, frame = name.rsplit("_", 1)
        assert one.image.shape[:2] == make_rig().camera(view.replace("%2F", "/")).image_size
        assert abs(int(one.image.mean()) - 8 * int(frame)) <= 1


def test_keypoints_are_the_projections_and_v_says_what_may_be_learned(
    harvest_of_two: Harvest, everything: dict[str, Labelled]
) -> None:
    counts = np.zeros(3, int)
    for row in harvest_of_two.iter_selected():
        record = row.annotations
        for v, view in enumerate(harvest_of_two.view_names):
            one = everything.get(f"{view.replace('/', '%2F')}_{record.frame:06d}")
            if one is None or not record.inside[v].any():
                continue
            with_others = [
                other.annotations.person
                for other in harvest_of_two.iter_selected()
                if other.annotations.frame == record.frame and other.annotations.inside[v].any()
            ]
            keypoints = one.keypoints[with_others.index(record.person)]
            usable = (row.selected & record.supported & record.inside[v]).numpy()
            expected = np.where(usable, np.where(record.score[v] >= 0.1, 2, 1), 0)
            np.testing.assert_array_equal(keypoints[:, 2], expected)
            np.testing.assert_allclose(keypoints[usable, :2], record.pixels[v].numpy()[usable] + 0.5, atol=0.01)
            assert (keypoints[~usable] == 0).all()
            counts += np.bincount(expected, minlength=3)
    assert (counts > 20).all()


def test_boxes_hold_the_keypoints(everything: dict[str, Labelled]) -> None:
    for one in everything.values():
        for (x, y, width, height), keypoints in zip(one.boxes, one.keypoints, strict=True):
            known = keypoints[keypoints[:, 2] > 0, :2]
            assert (np.abs(known - [x, y]) <= np.array([width, height]) / 2 + 0.02).all()
            assert min(width, height) >= 0.99


def test_a_mirrored_picture_has_left_and_right_exchanged(folder: Path, harvest_of_two: Harvest) -> None:
    content, _ = read_split(folder, "train")
    names = content["node_names"]
    assert names == list(harvest_of_two.skeleton.joints)
    swapped = [names[index] for index in content["flip_idx"]]
    exchange = {"left": "right", "right": "left"}
    assert swapped == ["_".join(exchange.get(word, word) for word in name.split("_")) for name in names]
    assert content["names"] == {0: "person"}
    assert [[names[a], names[b]] for a, b in content["skeleton"]] == [
        [limb.parent, limb.child] for limb in harvest_of_two.skeleton.limbs
    ]


def test_sleap_io_reads_the_same(folder: Path, everything: dict[str, Labelled]) -> None:
    sio = pytest.importorskip("sleap_io", reason="sleap-io is not installed: pip install 'poseharvest[sleap]'")
    labels = sio.load_ultralytics(str(folder), split="train")
    assert len(labels) == len(read_split(folder, "train")[1])
    for frame in labels:
        one = everything[Path(str(frame.video.filename)).stem]
        for instance, keypoints in zip(frame.instances, one.keypoints, strict=True):
            shown = keypoints[:, 2] > 0
            np.testing.assert_allclose(instance.numpy()[shown], keypoints[shown, :2], atol=0.01)


def test_one_frame_has_none_for_validation(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", make_records([7]))
    written = export_with_findings(harvest, "yolo", tmp_path / "out", source=GreyFootage())
    assert "no frame is left for validation" in written.findings[0].message
    assert yaml.safe_load((written.path / "data.yaml").read_text())["val"] == "train/images"
    assert len(list((written.path / "train" / "images").iterdir())) == 3


def test_labels_alone(harvest_of_two: Harvest, tmp_path: Path) -> None:
    out = export(harvest_of_two, "yolo", tmp_path / "out", pictures=False)
    assert len(list(out.rglob("*.txt"))) == 16
    assert list(out.rglob("*.jpg")) == []


def test_without_footage_it_says_what_to_do(harvest_of_two: Harvest, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="found no folder there: name it with --capture"):
        export(harvest_of_two, "yolo", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"val_share": 1.0}, "val_share: expected a part from 0"),
        ({"box_margin": -0.1}, "box_margin: expected 0 or more"),
    ],
)
def test_wrong_numbers(options: dict[str, float], message: str, harvest_of_two: Harvest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        export(harvest_of_two, "yolo", tmp_path / "out", **options)
