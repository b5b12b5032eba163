"""The examples run as they stand, on a small capture written to disk as a lab would have it."""

import json
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from poseharvest.calibration.toml_cameras import write_toml
from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.geometry.rig import project_all
from poseharvest.simulation import simulate
from poseharvest.skeleton.definitions import MPII16

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NUM_FRAMES = 5


def openpose_person(pixels: torch.Tensor) -> list[float]:
    """One person's rows of BODY_25; what MPII lacks is not found, but for the nose, which we put on the head."""
    named = {joint: [*pixels[i].tolist(), 0.9] for i, joint in enumerate(MPII16.joints)}
    named["nose"] = named["head_top"]
    return [number for joint in LAYOUTS["body_25"] for number in named.get(joint, [0.0, 0.0, 0.0])]


@pytest.fixture(scope="module")
def capture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Picture folders, a Pose2Sim calibration in metres, and OpenPose's keypoints."""
    folder = tmp_path_factory.mktemp("walk")
    capture, _, truth = simulate(NUM_FRAMES, seed=5, render=False)
    write_toml(capture.rig, folder / "Calib.toml")
    seen = project_all(capture.rig.at(0), truth.positions.reshape(-1, 3)).pixels
    for camera, pixels in zip(capture.rig, seen.reshape(len(capture.rig), NUM_FRAMES, -1, 2), strict=True):
        pictures, keypoints = folder / "images" / camera.name, folder / "openpose" / f"{camera.name}_json"
        pictures.mkdir(parents=True)
        keypoints.mkdir(parents=True)
        for frame in range(NUM_FRAMES):
            cv2.imwrite(str(pictures / f"{frame:06d}.png"), np.zeros((*camera.image_size, 3), np.uint8))
            people = [{"pose_keypoints_2d": openpose_person(pixels[frame])}]
            (keypoints / f"{frame:06d}.json").write_text(json.dumps({"people": people}))
    return folder


def test_harvest_capture(capture_folder, tmp_path, capsys):
    example = runpy.run_path(str(EXAMPLES / "harvest_capture.py"))
    result = example["make_harvest"](capture_folder, str(capture_folder / "openpose"), tmp_path / "harvest")
    example["use_harvest"](result)

    assert result.info.counts.frames == NUM_FRAMES
    truth = simulate(NUM_FRAMES, seed=5, render=False).truth.positions[:, MPII16.index("right_wrist")]
    wrists = torch.stack([f.mean[result.skeleton.index("right_wrist")] for f in result.iter_frames()])
    assert (wrists - truth).norm(dim=-1).max() < 40
    assert "right wrist at (" in capsys.readouterr().out
    assert (tmp_path / "harvest-coco" / "export.json").is_file()
    assert (tmp_path / "harvest" / "report" / "index.html").is_file()


def test_every_example_is_tested():
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if path.name not in tested] == []


def test_four_phones_footage_py_draws_what_the_tutorial_reads(tmp_path, monkeypatch):
    """A moment of each; `.ci/tutorial.py` runs it whole."""
    out = tmp_path / "footage"
    monkeypatch.setattr("sys.argv", ["four_phones_footage.py", str(out), "--frames", "2", "--boards", "1"])
    runpy.run_path(str(EXAMPLES / "four_phones_footage.py"), run_name="__main__")
    assert sorted(path.name for path in (out / "walk" / "videos").iterdir()) == [f"cam{i}.mp4" for i in range(1, 5)]
    assert len(list((out / "board" / "images").rglob("*.*"))) == 4
    assert not list(out.glob("*/rig.json")) or [path.parent.name for path in out.glob("*/rig.json")] == ["truth"]
    starts = json.loads((out / "truth" / "starts_s.json").read_text())
    assert set(starts) == {f"cam{i}" for i in range(1, 5)}
    assert np.load(out / "truth" / "positions_mm.npy").shape == (2, 16, 3)
