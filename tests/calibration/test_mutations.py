"""Any wrong value in a calibration file gives a valid rig or an error of one line."""

from __future__ import annotations

import copy
import json
import re

import cv2
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calibration_kit import PLANTERS, plant_calib_io
from poseharvest.calibration.h36m import write_h36m
from poseharvest.calibration.native import write_rig
from poseharvest.calibration.opencv_yaml import write_opencv_yaml
from poseharvest.calibration.panoptic import write_panoptic
from poseharvest.calibration.registry import read_calibration
from poseharvest.calibration.rig_audit import audit_rig
from poseharvest.calibration.voxelpose import write_voxelpose
from poseharvest.errors import HarvestError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig

SIZES = {f"cam{i:02d}": (720, 1280) for i in range(3)}
MISSING = object()
ODD = st.sampled_from([
    MISSING,
    None,
    [],
    {},
    "",
    "near",
    "null",
    "[1, 2",
    True,
    0,
    -1,
    1e400,
    float("nan"),
    10**400,
    [1, 2, 3],
    [1, [2], 3],
    [None, None, None],
    [True, False, True],
    ["1", "2", "x"],
    [[1, 2, 3]] * 3,
    {"a": {"b": [1]}},
    [[[[]]]],
])


def tables(rig: Rig, mm_per_unit: float = 1000.0) -> dict:
    """The rig in the tables of Anipose, as JSON."""
    return {
        camera.name: {
            "name": camera.name,
            "size": [camera.image_size[1], camera.image_size[0]],
            "matrix": camera.px_from_cam.tolist(),
            "distortions": list(camera.distortion.coefficients),
            "rotation": cv2.Rodrigues(camera.rotation.numpy())[0].reshape(-1).tolist(),
            "translation": (camera.translation / mm_per_unit).tolist(),
            "fisheye": False,
        }
        for camera in rig.at(0)
        if isinstance(camera, Camera)
    }


def multical(rig: Rig) -> dict:
    first = rig.names[0]
    cameras = [camera for camera in rig.at(0) if isinstance(camera, Camera)]
    return {
        "cameras": {
            c.name: {
                "model": "standard",
                "image_size": [c.image_size[1], c.image_size[0]],
                "K": c.px_from_cam.tolist(),
                "dist": [list(c.distortion.coefficients)],
            }
            for c in cameras
        },
        "camera_poses": {
            c.name if c.name == first else f"{c.name}_to_{first}": {
                "R": c.rotation.tolist(),
                "T": (c.translation / 1000).tolist(),
            }
            for c in cameras
        },
    }


def written(write):
    def document(rig: Rig, folder) -> dict:
        path = folder / "written.json"
        write(rig, path)
        content = json.loads(path.read_text())
        path.unlink()
        return content

    return document


def calib_io(rig: Rig, folder) -> dict:
    (path,) = plant_calib_io(rig, folder)
    content = json.loads(path.read_text())
    path.unlink()
    return content


DOCUMENTS = {
    "rig": written(write_rig),
    "toml": lambda rig, folder: tables(rig),
    "aist": lambda rig, folder: list(tables(rig, 10.0).values()),
    "h36m": written(write_h36m),
    "panoptic": written(write_panoptic),
    "voxelpose": written(write_voxelpose),
    "multical": lambda rig, folder: multical(rig),
    "calib_io": calib_io,
}


def places(value: object, path: tuple = ()) -> list[tuple]:
    """Every place in a document, those of single numbers included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(one for key, item in inner for one in places(item, (*path, key)))]


def changed(document: object, path: tuple, value: object) -> object:
    result = copy.deepcopy(document)
    holder = result
    for key in path[:-1]:
        holder = holder[key]
    if value is MISSING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return result


def read_or_refuse(path, names: tuple[str, ...] = ()) -> Rig | None:
    """Return the rig if it is read; then the audit must not fail."""
    try:
        rig = read_calibration(path, image_sizes=SIZES)
    except HarvestError as error:
        message = str(error)
        assert any(name in message for name in names or (path.name,))
        assert "\n" not in message
        assert len(message) < 500
        return None
    audit_rig(rig)
    assert len(rig) >= 2
    assert len(set(rig.names)) == len(rig)
    return rig


def same_cameras(actual: Rig, expected: Rig) -> bool:
    """Return whether every camera of one rig equals one of the expected cameras, with lens and size."""
    known = {(c.image_size, c.distortion.model) for c in expected.at(0)}
    return all(
        (ours.image_size, ours.distortion.model) in known
        and any(
            torch.allclose(ours.px_from_cam, theirs.px_from_cam)
            and torch.allclose(ours.rotation, theirs.rotation, atol=1e-6)
            and torch.allclose(ours.center, theirs.center, atol=1e-3)
            for theirs in expected.at(0)
        )
        for ours in actual.at(0)
    )


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_the_document_itself_is_read(tmp_path, rig, name):
    path = tmp_path / "calib.json"
    path.write_text(json.dumps(DOCUMENTS[name](rig, tmp_path)))
    actual_rig = read_or_refuse(path)
    assert actual_rig is not None
    assert same_cameras(actual_rig, rig)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), value=ODD)
def test_one_odd_value_is_refused_or_harmless(tmp_path, rig, name, data, value):
    """A rig that is read in spite of it contains only cameras of the document.

    A single number may be replaced by another: that is a calibration, and for an audit to judge. A list, table or flag
    may not.
    """
    document = DOCUMENTS[name](rig, tmp_path)
    path = data.draw(st.sampled_from(places(document)))
    file = tmp_path / "calib.json"
    file.write_text(json.dumps(changed(document, path, value)))
    actual_rig = read_or_refuse(file)
    old = document
    for key in path:
        old = old[key]
    is_number = isinstance(old, int | float) and isinstance(value, int | float) and not isinstance(value, bool)
    is_vector = isinstance(old, list) and value == [1, 2, 3]
    is_lens = isinstance(old, list) and any(key in {"distortions", "dist", "distCoef", "distortion"} for key in path)
    if actual_rig is not None and not (is_number or is_vector or is_lens):
        assert same_cameras(actual_rig, rig)


TOML_VALUES = st.sampled_from([
    "",
    '""',
    '"null"',
    "nan",
    "inf",
    "true",
    "0",
    "-3",
    "[]",
    "[1, 2]",
    "[[1]]",
    "{}",
    "[[], []]",
    '"[1, 2, 3]"',
])
YAML_WORDS = st.sampled_from(["", "nan", ".Nan", "x", "[1]", '"a"', "-1", "[", "{}", "1e400", "!!opencv-matrix"])
KEYS = st.sampled_from(["cameras", "name", "matrix", "K", "R", "T", "intrinsics", "extrinsics", "format", "size"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), value=TOML_VALUES)
def test_one_odd_line_of_toml(tmp_path, rig, data, value):
    lines = [
        f"{key} = {json.dumps(item)}" if key else f"[{item}]"
        for name, table in tables(rig).items()
        for key, item in [("", name), *table.items()]
    ]
    number = data.draw(st.integers(0, len(lines) - 1))
    lines[number] = re.sub(r"=.*", f"= {value}", lines[number]) if value else ""
    file = tmp_path / "calib.toml"
    file.write_text("\n".join(lines))
    read_or_refuse(file)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    value=YAML_WORDS,
)
def test_one_odd_word_of_opencv_yaml(tmp_path, rig, data, value):
    write_opencv_yaml(rig, tmp_path)
    file = tmp_path / data.draw(st.sampled_from(["intri.yml", "extri.yml"]))
    words = re.split(r"(\s+)", file.read_text())
    number = 2 * data.draw(st.integers(1, len(words) // 2))
    words[min(number, len(words) - 1)] = value
    file.write_text("".join(words))
    read_or_refuse(tmp_path / "intri.yml", names=("intri.yml", "extri.yml"))


NUMBERS = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
ODD_NUMBERS = ("1e400", "-1e400", "nan", "inf", "1e308", "-1e308", "9" * 400, "1e20", "0.5", "", "x")
OF_TEXT = sorted({"qualisys", *PLANTERS} - {"opencap"})  # a pickle


def text_file(name: str, rig: Rig, folder, shared_dir):
    """Return the file of a calibration that is written as text."""
    if name == "qualisys":
        path = folder / "Calib.qca.txt"
        path.write_text((shared_dir / "fixtures/calibration/qualisys/Calib.qca.txt").read_text())
        return path
    return PLANTERS[name](rig, folder)[0]


@pytest.mark.data
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # overflow on the way to the refusal
@pytest.mark.parametrize("name", OF_TEXT)
def test_one_odd_number_in_a_text(tmp_path, rig, shared_dir, name):
    """Every number of the file, one after the other, is replaced by one of the odd words in turn."""
    path = text_file(name, rig, tmp_path, shared_dir)
    text = path.read_text()
    for place, match in enumerate(NUMBERS.finditer(text)):
        word = ODD_NUMBERS[place % len(ODD_NUMBERS)]
        path.write_text(text[: match.start()] + word + text[match.end() :])
        read_or_refuse(path, names=(path.name, path.parent.name, "images.txt"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=20,
    )
)
def test_any_json_is_refused_in_one_line(tmp_path, document):
    file = tmp_path / "calib.json"
    file.write_text(json.dumps(document))
    assert read_or_refuse(file) is None
