"""A made-up harvest for tests: three cameras with pictures of different shapes, 16 joints, views that drop out."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from poseharvest.annotations.info import CaptureInfo, DetectorInfo, HarvestRun
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.schema import ADDED_COLUMNS
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.findings import Finding
from poseharvest.geometry.camera import AffineCamera, Camera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig, inside_image, project_all
from poseharvest.motion import MotionOptions
from poseharvest.selection.rules import SelectionRule
from poseharvest.skeleton.definitions import MPII16

FRAME_RATE = 50.0
_IMAGE_SIZES = ((1080, 1920), (1920, 1080), (480, 640))


def _turned(degrees: float) -> torch.Tensor:
    """A camera on a circle around the z axis, looking at it, with z up: y of the camera points down."""
    a = np.deg2rad(degrees)
    forward = np.array([-np.cos(a), -np.sin(a), 0.0])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    return torch.tensor(np.stack([right, np.cross(forward, right), forward]), dtype=torch.float64)


@cache
def make_rig() -> Rig:
    """Two perspective cameras, one with distortion, and an affine one."""
    cameras = []
    for name, degrees, size in zip(("left", "right"), (0.0, 100.0), _IMAGE_SIZES, strict=False):
        k = [[1100.0, 0.0, size[1] / 2], [0.0, 1150.0, size[0] / 2], [0.0, 0.0, 1.0]]
        lens = Distortion("brown_conrady", (-0.1, 0.02, 1e-3, -5e-4)) if name == "left" else Distortion()
        translation = torch.tensor([0.0, 900.0, 4000.0], dtype=torch.float64)
        cameras.append(Camera(name, size, torch.tensor(k, dtype=torch.float64), _turned(degrees), translation, lens))
    affine = torch.tensor([[0.15, 0.15, 0.0, 320.0], [0.0, 0.0, -0.2, 440.0]], dtype=torch.float64)
    return Rig((*cameras, AffineCamera("top/side", _IMAGE_SIZES[2], affine)))


def make_record(frame: int, person: int, rng: np.random.Generator) -> FrameAnnotations:
    """One random pose. The last view is absent in every third frame, the left wrist unsupported in every fifth."""
    rig = make_rig()
    num_joints = len(MPII16)
    spread = np.array([350.0, 350.0, 900.0])
    mean = torch.tensor(rng.uniform(-1, 1, (num_joints, 3)) * spread + [0.0, 600.0 * person, 900.0])
    roots = torch.tensor(rng.normal(size=(num_joints, 3, 3))) * 20
    seen = project_all(rig.at(frame), mean)
    present = torch.tensor([True, True, frame % 3 != 2])
    inside = torch.stack([inside_image(p, c.image_size) for p, c in zip(seen.pixels, rig, strict=True)])
    inside &= seen.valid & present[:, None]
    peaks = seen.pixels + torch.tensor(rng.normal(size=(3, num_joints, 2))) * 5
    supported = torch.ones(num_joints, dtype=torch.bool)
    supported[MPII16.index("left_wrist")] = frame % 5 != 0
    return FrameAnnotations(
        frame=frame,
        time_s=frame / FRAME_RATE,
        person=person,
        mean=mean,
        cov=roots @ roots.mT + torch.eye(3),
        supported=supported,
        log_evidence=float(rng.normal(-50)),
        pixels=seen.pixels,
        inside=inside,
        score=torch.where(inside, torch.tensor(rng.uniform(0, 1, (3, num_joints))), 0.0),
        peak_pixels=torch.where(present[:, None, None], peaks, torch.nan),
        peak_score=torch.where(present[:, None], torch.tensor(rng.uniform(0, 1, (3, num_joints))), 0.0),
        crops=tuple(Crop((300.5 + v, 200.25), 128.5) if p else None for v, p in enumerate(present.tolist())),
    )


def make_records(frames: Iterable[int], persons: Sequence[int] = (0,), seed: int = 7) -> list[FrameAnnotations]:
    """Random poses of some persons in some frames, in order."""
    rng = np.random.default_rng(seed)
    return [make_record(frame, person, rng) for frame in frames for person in persons]


def make_run(num_frames: int) -> HarvestRun:
    """What a harvester would say of the made-up harvest."""
    return HarvestRun(
        capture=CaptureInfo(name="trial", path="captures/trial", frame_rate=FRAME_RATE, num_frames=num_frames),
        detector=DetectorInfo(name="made-up", heatmap_size=(64, 48), details={"weights": None}),
        limb_lengths_mm={limb.name: 250.0 for limb in MPII16.limbs},
        options={"floor": 0.01, "views": ["left", "right"]},
        seed=3,
        findings=(Finding(severity="warning", topic="scale", message="the man is 3 m tall"),),
    )


@contextmanager
def small_disk(path: Path, kilobytes: int) -> Iterator[None]:
    """A file system of that size at `path`, or a skip where mounting is not allowed."""
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(path)]
    if (
        shutil.which("mount") is None
        or subprocess.run(["mount", *options], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs the right to mount a small file system")
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


def write_harvest(
    path: Path,
    records: Sequence[FrameAnnotations],
    *,
    rule: SelectionRule | None = None,
    records_per_part: int = 4,
    overwrite: bool = False,
    motion: MotionOptions | None = None,
) -> Harvest:
    """Write the records as a harvest, smoothed if `motion` says how."""
    rig = make_rig()
    with HarvestWriter(
        path, rig=rig, skeleton=MPII16, overwrite=overwrite, records_per_part=records_per_part
    ) as writer:
        for record in records:
            writer.add(record)
        return writer.finish(make_run(records[-1].frame + 1), rule, motion=motion)


def as_version(version: int, harvest: Harvest) -> Harvest:
    """Remove from an unsmoothed harvest the columns and keys that an older version lacks; open it again."""
    added = {one for number, columns in ADDED_COLUMNS.items() if number > version for one in columns}
    for path in (harvest.path / "annotations").glob("*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns(sorted(added)), path, write_page_checksum=True)
    (harvest.path / "SHA256SUMS").unlink()
    path = harvest.path / "harvest.json"
    keys = {"motion": 3, "recalibration": 2}
    content = {key: value for key, value in json.loads(path.read_text()).items() if keys.get(key, 1) <= version}
    path.write_text(json.dumps(content | {"schema_version": version}))
    return Harvest.open(harvest.path)
