"""YOLO-pose, the data sets that Ultralytics' networks are trained on: pictures, a text file for each, and `data.yaml`.

`train/images/VIEW_FRAME.jpg` has its people in `train/labels/VIEW_FRAME.txt`; `val` is the same for the last frames. A
line is a person: class, box (middle x, middle y, width, height) and (x, y, v) a joint. All positions are parts of the
picture's width or height, from its corner: the middle of the first pixel of a picture of 640 columns is 0.5 / 640.

v is that of COCO here (`export/coco.py`): what is not reliable has v = 0 and is not learned. A person of whom no joint
is reliable still has a box. `flip_idx` says which joint is which in a mirrored picture. `node_names` and `skeleton`,
which the trainer ignores, name the joints and limbs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.capture.frames import FrameSource
from poseharvest.errors import ConfigError
from poseharvest.export.coco import NOTHING_TO_LEARN, box_of, visibilities
from poseharvest.export.exporter import Exporter
from poseharvest.export.picture_files import ListedFrame, footage_of, listed_frames, write_images
from poseharvest.findings import Finding
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.staging import file_name

_TRAIN, _VAL = "train", "val"


@dataclass(frozen=True)
class YoloOptions:
    """How to write a YOLO-pose data set.

    Attributes:
        val_share: part of the frames, the last ones, that is kept for validation.
        occluded_below: heatmap value at the projection below which a reliable joint gets v = 1 instead of 2.
        box_margin: widening of the box on every side, as a part of its longer side.
        pictures: write the pictures, which the trainer needs; without them there are labels alone.
        capture: folder of the footage; None is the place that the harvest names.
        source: the footage, opened, to write the pictures of.
    """

    val_share: float = 0.1
    occluded_below: float = 0.1
    box_margin: float = 0.1
    pictures: bool = True
    capture: Path | None = None
    source: FrameSource | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.val_share < 1:
            raise ConfigError(f"val_share: expected a part from 0 to less than 1, got {self.val_share}")
        if not self.box_margin >= 0:
            raise ConfigError(f"box_margin: expected 0 or more, got {self.box_margin}")


def write_yolo(harvest: Harvest, folder: Path, options: YoloOptions) -> tuple[Finding, ...]:
    """Write a YOLO-pose data set into a folder, streaming.

    Returns:
        That no joint may be learned, no frame is left for validation, people in the pictures who were not harvested
        count as background, and pictures that are not those which were harvested.

    Raises:
        ConfigError: the capture given is not the harvest's.
        CaptureError: the footage is not there, or lacks a picture.
    """
    source = footage_of(harvest, options.source, options.capture) if options.pictures else None
    listed = list(listed_frames(harvest))
    first_val = _first_for_validation([one.frame for one in listed], options.val_share)
    splits = {one.frame: _VAL if first_val is not None and one.frame >= first_val else _TRAIN for one in listed}
    for split in sorted(set(splits.values())):
        (folder / split / "labels").mkdir(parents=True)
        (folder / split / "images").mkdir()

    def stem(view: str, frame: int) -> str:
        return f"{file_name(view)}_{frame:06d}"

    num_keypoints = 0
    for frame, present, people in _frames_with_people(harvest, listed):
        for view, name in enumerate(harvest.view_names):
            if present[view]:
                lines, learned = _lines(harvest, people, view, options)
                num_keypoints += learned
                path = folder / splits[frame] / "labels" / f"{stem(name, frame)}.txt"
                path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    (folder / "data.yaml").write_text(_description(harvest.skeleton, has_val=first_val is not None), encoding="utf-8")
    findings = _findings(harvest, num_keypoints, has_val=first_val is not None)
    if source is None:
        return findings
    pictures = write_images(
        harvest, source, folder, lambda view, frame: f"{splits[frame]}/images/{stem(view, frame)}.jpg"
    )
    return (*findings, *pictures)


def _first_for_validation(frames: Sequence[int], share: float) -> int | None:
    """Return the first of the last frames that are kept for validation; None if there are none."""
    count = min(len(frames) - 1, max(1, round(share * len(frames)))) if share > 0 else 0
    return frames[-count] if count > 0 else None


def _frames_with_people(
    harvest: Harvest, listed: Sequence[ListedFrame]
) -> Iterator[tuple[int, tuple[bool, ...], list[SelectedFrame]]]:
    """Yield number, present views and people of every frame."""
    rows = groupby(harvest.iter_selected(), key=lambda row: row.annotations.frame)
    for one, (frame, people) in zip(listed, rows, strict=True):
        yield frame, one.present, list(people)


def _lines(harvest: Harvest, people: Sequence[SelectedFrame], view: int, options: YoloOptions) -> tuple[list[str], int]:
    """Return a line for everybody with a joint in the picture, and the number of joints that may be learned."""
    camera, lines, learned = harvest.info.views[view], [], 0
    size = torch.tensor([camera.width, camera.height], dtype=torch.float64)
    for row in people:
        record = row.annotations
        if not bool(record.inside[view].any()):
            continue
        left, top, width, height = box_of(record.pixels[view][record.inside[view]], camera, options.box_margin)
        box = ((left + width / 2) / camera.width, (top + height / 2) / camera.height)
        visibility = visibilities(row, view, options.occluded_below)
        places = torch.where(visibility[:, None] > 0, (record.pixels[view] + 0.5) / size, 0.0)
        numbers = [*box, width / camera.width, height / camera.height]
        joints = [f"{x:.6f} {y:.6f} {v}" for (x, y), v in zip(places.tolist(), visibility.tolist(), strict=True)]
        lines.append(" ".join(["0", *(f"{number:.6f}" for number in numbers), *joints]))
        learned += int((visibility > 0).sum())
    return lines, learned


def _description(skeleton: Skeleton, *, has_val: bool) -> str:
    """Return `data.yaml`. Without a path in it, the trainer takes the folder of the file."""
    names = list(skeleton.joints)
    partners = {name: other for pair in skeleton.flip_pairs for name, other in (pair, pair[::-1])}
    flipped = [skeleton.index(partners.get(name, name)) for name in names]
    limbs = [[skeleton.index(limb.parent), skeleton.index(limb.child)] for limb in skeleton.limbs]
    entries = {
        "train": f"{_TRAIN}/images",
        "val": f"{_VAL if has_val else _TRAIN}/images",
        "kpt_shape": [len(names), 3],
        "flip_idx": flipped,
        "node_names": names,
        "skeleton": limbs,
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=True)}" for key, value in entries.items()]  # JSON is YAML
    return "\n".join([*lines, "names:", "  0: person", ""])


def _findings(harvest: Harvest, num_keypoints: int, *, has_val: bool) -> tuple[Finding, ...]:
    found = [] if num_keypoints else [NOTHING_TO_LEARN]
    if not has_val:
        found.append(
            Finding("warning", "val", "no frame is left for validation: data.yaml names the training's pictures")
        )
    if harvest.info.options.get("people") == 1:
        message = "one person was harvested: others in the pictures have no box and count as background (--people all)"
        found.append(Finding("note", "people", message))
    return tuple(found)


EXPORTER = Exporter(
    name="yolo",
    description="a YOLO-pose data set with pictures, for Ultralytics' trainer; joints that are not reliable have v = 0",
    options=YoloOptions,
    write=write_yolo,
    is_folder=True,
)
