"""A recording read back by Rerun's own reader: poses, ellipsoids, cameras and overlays at their frames."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from export_kit import GreyFootage
from harvest_kit import make_records, make_rig, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.registry import export, export_with_findings
from poseharvest.export.rerun import ellipsoids
from poseharvest.motion import MotionOptions

pytest.importorskip("rerun", reason="needs pip install 'poseharvest[rerun]'")
chunk = pytest.importorskip("rerun.chunk", reason="this rerun-sdk has no reader of recordings")

Entities = dict[str, dict[int | None, dict[str, Any]]]


def read_rrd(path: Path) -> Entities:
    """By entity and frame (None: at all times), the components that are written there; what is cleared is not there."""
    entities: Entities = defaultdict(lambda: defaultdict(dict))
    chunks = chunk.RrdReader(path).stream()
    for entity, row in ((one.entity_path, row) for one in chunks for row in one.to_record_batch().to_pylist()):
        components = {name: value for name, value in row.items() if ":" in name and value is not None}
        entities[entity][row.get("frame")] |= components
    return entities


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """Persons 0 and 3, the second missing in frame 4, nobody in frame 6."""
    records = [r for r in make_records((2, 3, 4, 5, 7, 8), (0, 3)) if (r.frame, r.person) != (4, 3)]
    return write_harvest(tmp_path_factory.mktemp("h") / "two", records, motion=MotionOptions(0.1))


@pytest.fixture(scope="module")
def entities(two: Harvest, tmp_path_factory: pytest.TempPathFactory) -> Entities:
    return read_rrd(export(two, "rerun", tmp_path_factory.mktemp("rrd") / "a.rrd", source=GreyFootage()))


def test_joints_are_those_that_are_supported_in_metres(two: Harvest, entities: Entities) -> None:
    for row in two.iter_selected():
        record = row.annotations
        found = entities[f"/world/people/person_{record.person}"][record.frame]
        shown = torch.nonzero(record.supported)[:, 0]
        assert found["Points3D:keypoint_ids"] == shown.tolist()
        np.testing.assert_allclose(found["Points3D:positions"], record.mean[shown] / 1000, rtol=1e-5, atol=1e-6)
        grey = [colour == 0x969696FF for colour in found["Points3D:colors"]]
        assert grey == (~row.selected[shown]).tolist()


def test_ellipsoids_are_the_covariances(two: Harvest, entities: Entities) -> None:
    for row in two.iter_selected():
        record = row.annotations
        found = entities[f"/world/people/person_{record.person}/uncertainty"][record.frame]
        turns = Rotation.from_quat(found["Ellipsoids3D:quaternions"]).as_matrix()
        halves = np.array(found["Ellipsoids3D:half_sizes"]) * 1000 / 2
        again = turns @ (halves[..., None] ** 2 * np.swapaxes(turns, -1, -2))
        expected = row.calibrated_cov[record.supported].numpy()
        np.testing.assert_allclose(again, expected, atol=1e-3 * np.abs(expected).max())


def test_a_law_of_ellipsoids() -> None:
    roots = torch.tensor(np.random.default_rng(3).normal(size=(7, 3, 3)))
    cov = roots @ roots.mT
    halves, turns = ellipsoids(cov)
    matrices = Rotation.from_quat(turns).as_matrix()
    np.testing.assert_allclose(np.linalg.det(matrices), 1)
    np.testing.assert_allclose(matrices * halves[:, None] ** 2 @ np.swapaxes(matrices, 1, 2), cov, atol=1e-9)
    assert [values.shape for values in ellipsoids(cov[:0])] == [(0, 3), (0, 4)]


def test_overlays_lie_half_a_pixel_from_ours(two: Harvest, entities: Entities) -> None:
    for row in two.iter_selected():
        record = row.annotations
        for view, name in enumerate(("left", "right", "top\\/side")):
            found = entities[f"/world/cameras/{name}/person_{record.person}"][record.frame]
            inside = record.inside[view] & record.supported
            pixels = np.array(found["Points2D:positions"] or np.zeros((0, 2)))
            np.testing.assert_allclose(pixels, record.pixels[view, inside] + 0.5, rtol=1e-5)


def test_cameras_project_as_ours_without_their_lens(entities: Entities) -> None:
    camera = make_rig().camera("right")
    (still,) = [entities["/world/cameras/right"][None]]
    turn = np.array(still["Transform3D:mat3x3"][0]).reshape(3, 3).T  # written column by column
    matrix = np.array(still["Pinhole:image_from_camera"][0]).reshape(3, 3).T
    points = torch.tensor([[100.0, -200.0, 900.0], [0.0, 0.0, 1500.0]], dtype=torch.float64)
    local = (points.numpy() / 1000 - still["Transform3D:translation"][0]) @ turn
    image = local @ matrix.T
    np.testing.assert_allclose(image[:, :2] / image[:, 2:], camera.project(points).pixels + 0.5, rtol=1e-4)
    assert still["Pinhole:resolution"][0] == [1080, 1920]
    assert "Pinhole:resolution" not in entities["/world/cameras/top\\/side"][None]


def test_who_is_not_found_is_cleared(entities: Entities) -> None:
    cleared = {
        person: sorted(
            frame
            for frame, one in entities[f"/world/people/person_{person}"].items()
            if frame is not None and any(name.startswith("Clear") for name in one)
        )
        for person in (0, 3)
    }
    assert cleared == {0: [6], 3: [4, 6]}


def test_smooth_positions_and_pictures(two: Harvest, entities: Entities) -> None:
    for row in two.iter_selected():
        found = entities[f"/world/people/person_{row.annotations.person}/smooth"][row.annotations.frame]
        expected = row.smooth.mean[row.smooth.has_position] / 1000
        np.testing.assert_allclose(found["Points3D:positions"], expected, rtol=1e-5, atol=1e-6)
    for frame in (2, 3, 4, 5, 7, 8):
        blob = entities["/world/cameras/left"][frame]["EncodedImage:blob"][0]
        picture = cv2.imdecode(np.array(blob, dtype=np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (1080, 1920, 3)
        assert abs(picture.mean() - 8 * frame) < 1


def test_joints_limbs_and_findings_are_named(two: Harvest, entities: Entities) -> None:
    (context,) = entities["/"][None].values()
    first = context[0][0]["class_description"]
    names = [one["label"] for one in first["keypoint_annotations"]]
    assert names == list(two.skeleton.joints)
    limbs = [(one["keypoint0"], one["keypoint1"]) for one in first["keypoint_connections"]]
    assert limbs == [(two.skeleton.index(a.parent), two.skeleton.index(a.child)) for a in two.skeleton.limbs]
    assert "the man is 3 m tall" in str(entities["/findings"][None])


def test_a_range_of_frames_and_what_is_odd(two: Harvest, tmp_path: Path) -> None:
    written = export_with_findings(two, "rerun", tmp_path / "a.rrd", start=3, stop=5, unit="mm")
    frames = [frame for frame in read_rrd(written.path)["/world/people/person_0"] if frame is not None]
    assert sorted(frames) == [3, 4]
    assert [f.message for f in written.findings] == [
        'no frustum is shown of the cameras without perspective: "top/side"'
    ]
    nothing = export_with_findings(two, "rerun", tmp_path / "b.rrd", start=6, stop=7)
    assert nothing.findings[0].message.startswith("nobody is in these frames: the recording is empty")


def test_wrong_numbers_and_a_missing_library(two: Harvest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="num_sigmas: expected more than 0, got 0"):
        export(two, "rerun", tmp_path / "a.rrd", num_sigmas=0)
    with pytest.raises(ConfigError, match="up: expected one of x, -x, y, -y, z, -z, got"):
        export(two, "rerun", tmp_path / "a.rrd", up="north")
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(ConfigError, match=r"Rerun: writing needs rerun-sdk: pip install 'poseharvest\[rerun\]'"):
        export(two, "rerun", tmp_path / "a.rrd")
