"""COCO keypoints: a folder with `annotations/VIEW.json`, and with the pictures in `images/` if they are asked for.

`keypoints` holds (x, y, v) a joint. Trainers leave v = 0 out of their loss and learn the rest, so v says what may be
learned:

- 2: selected as reliable in 3D (Sec. 3.3), within the picture, and this view's own heatmap sees it;
- 1: likewise, but this view's heatmap is low there: the other views know where it is, here it is probably occluded;
- 0, with x = y = 0: not selected, seen by no camera, or outside this picture. Its projection is in the extra fields.

Keypoints count pixels as everywhere here, from the centre of the top-left pixel; a box `[x, y, width, height]` is
measured from the picture's corner, as COCO's are. It encloses the projections of all joints within the picture,
reliable or not, widened by a margin since joints lie inside the body; `area` is the box's. Extra fields, which COCO
tools ignore, lie under `poseharvest` (docs/exports.md). Ids are unique over all views, so that files can be joined.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

import torch
from torch import Tensor

from poseharvest import __version__
from poseharvest.annotations.info import ViewInfo
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.annotations.schema import COVARIANCE_ENTRIES
from poseharvest.capture.frames import FrameSource
from poseharvest.errors import ConfigError
from poseharvest.export.exporter import Exporter
from poseharvest.export.picture_files import footage_of, image_name, listed_frames, write_images
from poseharvest.findings import Finding
from poseharvest.storage.staging import file_name

_CATEGORY_ID = 1
_LEAST_PAD_PX = 0.5  # a box around one joint has the size of its pixel

NOTHING_TO_LEARN: Final = Finding(
    "warning",
    "keypoints",
    "no keypoint has v > 0: no joint is selected, supported and within a picture, so that nothing can be learned",
)


@dataclass(frozen=True)
class CocoOptions:
    """How to write COCO keypoints.

    Attributes:
        file_names: the pictures' names under `images/`, from {view} and {frame} (from 0).
        occluded_below: heatmap value at the projection below which a reliable joint gets v = 1 instead of 2.
        box_margin: widening of the box on every side, as a part of its longer side.
        pictures: write the pictures as well, into `images/`; otherwise they are named only.
        capture: folder of the footage; None is the place that the harvest names.
        source: the footage, opened, to write the pictures of.
    """

    file_names: str = "{view}/{frame:06d}.jpg"
    occluded_below: float = 0.1
    box_margin: float = 0.1
    pictures: bool = False
    capture: Path | None = None
    source: FrameSource | None = None

    def __post_init__(self) -> None:
        image_name(self.file_names, "view", 0)
        if not self.box_margin >= 0:
            raise ConfigError(f"box_margin: expected 0 or more, got {self.box_margin}")
        if math.isnan(self.occluded_below):
            raise ConfigError(f"occluded_below: expected a heatmap value, got {self.occluded_below}")


def write_coco(harvest: Harvest, folder: Path, options: CocoOptions) -> tuple[Finding, ...]:
    """Write one COCO file a view into `folder` / annotations, streaming.

    Returns:
        That no joint may be learned, and pictures that are not those which were harvested.

    Raises:
        ConfigError: the capture given is not the harvest's.
        CaptureError: the footage is not there, or lacks a picture.
    """
    has_pictures = options.pictures or options.source is not None
    source = footage_of(harvest, options.source, options.capture) if has_pictures else None
    (folder / "annotations").mkdir(parents=True)
    with ExitStack() as stack:
        streams = [
            stack.enter_context((folder / "annotations" / f"{file_name(view)}.json").open("w", encoding="utf-8"))
            for view in harvest.view_names
        ]
        for index, (stream, view) in enumerate(zip(streams, harvest.info.views, strict=True)):
            stream.write(_opening(harvest, view))
            _write_items(stream, _images(harvest, index, options.file_names))
            stream.write('],\n"annotations": [\n')
        num_keypoints = _write_annotations(streams, harvest, options)
        for stream in streams:
            stream.write("]}\n")
    findings: tuple[Finding, ...] = () if num_keypoints else (NOTHING_TO_LEARN,)
    if source is None:
        return findings
    name_of = partial(image_name, options.file_names)
    return (*findings, *write_images(harvest, source, folder / "images", name_of))


def category(harvest: Harvest) -> dict[str, Any]:
    """Return COCO's category: keypoint names, and the limbs as pairs of 1-based positions."""
    skeleton = harvest.skeleton
    return {
        "id": _CATEGORY_ID,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(skeleton.joints),
        "skeleton": [[skeleton.index(limb.parent) + 1, skeleton.index(limb.child) + 1] for limb in skeleton.limbs],
        "poseharvest": {"skeleton": skeleton.name, "flip_pairs": [list(pair) for pair in skeleton.flip_pairs]},
    }


def _opening(harvest: Harvest, view: ViewInfo) -> str:
    selection, recalibration = harvest.info.selection, harvest.info.recalibration
    info = {
        "description": f"{harvest.info.capture.name}, view {view.name}: harvested 2D keypoints",
        "version": __version__,
        "date_created": harvest.info.created,
        "poseharvest": {
            "view": view.name,
            "measure": selection.measure,
            "share": selection.share,
            "limit": selection.limit,
            "recalibrated_on": None if recalibration is None else recalibration.fitted_on,
            **({} if harvest.review_provenance is None else {"reviews": harvest.review_provenance}),
        },
    }
    head = f'{{"info": {_json(info)},\n"licenses": [],\n"categories": [{_json(category(harvest))}],\n'
    return head + '"images": [\n'


def _images(harvest: Harvest, view: int, file_names: str) -> Iterator[dict[str, Any]]:
    camera = harvest.info.views[view]
    for listed in listed_frames(harvest):
        if listed.present[view]:
            yield {
                "id": _image_id(harvest, listed.frame, view),
                "file_name": image_name(file_names, camera.name, listed.frame),
                "width": camera.width,
                "height": camera.height,
                "poseharvest": {"view": camera.name, "frame": listed.frame, "time_s": listed.time_s},
            }


def _write_annotations(streams: Sequence[TextIO], harvest: Harvest, options: CocoOptions) -> int:
    """Write every annotation and return the number of keypoints with v > 0."""
    separators, num_keypoints = [""] * len(streams), 0
    for number, row in enumerate(harvest.iter_selected()):
        for view, stream in enumerate(streams):
            if not bool(row.annotations.inside[view].any()):
                continue
            person = _person(row, view, harvest.info.views[view], options)
            num_keypoints += person["num_keypoints"]
            entry = {
                "id": number * len(streams) + view + 1,
                "image_id": _image_id(harvest, row.annotations.frame, view),
                "category_id": _CATEGORY_ID,
                "iscrowd": 0,
                **person,
            }
            stream.write(separators[view] + _json(entry))
            separators[view] = ",\n"
    return num_keypoints


def _person(row: SelectedFrame, view: int, camera: ViewInfo, options: CocoOptions) -> dict[str, Any]:
    record = row.annotations
    visibility = visibilities(row, view, options.occluded_below)
    points = torch.where(visibility[:, None] > 0, record.pixels[view], 0.0)
    keypoints = [
        value for (x, y), v in zip(points.tolist(), visibility.tolist(), strict=True) for value in (_r(x), _r(y), v)
    ]
    box = box_of(record.pixels[view][record.inside[view]], camera, options.box_margin)
    return {
        "keypoints": keypoints,
        "num_keypoints": int((visibility > 0).sum()),
        "bbox": [_r(value) for value in box],
        "area": _r(box[2] * box[3]),
        "poseharvest": _extras(row, view),
    }


def visibilities(row: SelectedFrame, view: int, occluded_below: float) -> Tensor:
    """Return (J,) int64: COCO's v, as the module says."""
    record = row.annotations
    usable = row.selected & record.supported & record.inside[view]
    is_visible = record.score[view] >= occluded_below
    return torch.where(usable, torch.where(is_visible, 2, 1), 0)


def _extras(row: SelectedFrame, view: int) -> dict[str, Any]:
    record = row.annotations
    i, j = zip(*COVARIANCE_ENTRIES.values(), strict=True)
    return {
        "person": record.person,
        "mean_mm": [[_r(x) for x in point] for point in record.mean.tolist()],
        "cov_mm2": [[_significant(x) for x in entries] for entries in record.cov[:, i, j].tolist()],
        "det_mm6": [_significant(x) for x in record.det.tolist()],
        "scale": [_significant(x) for x in row.scale.tolist()],
        "sigma_mm": [_significant(x) for x in row.sigma_mm.tolist()],
        "supported": record.supported.tolist(),
        "selected": row.selected.tolist(),
        "pixels": [[_r(x) if math.isfinite(x) else None for x in point] for point in record.pixels[view].tolist()],
        "inside": record.inside[view].tolist(),
        "score": [_significant(x) for x in record.score[view].tolist()],
    }


def box_of(pixels: Tensor, camera: ViewInfo, margin: float) -> tuple[float, float, float, float]:
    """Return x, y, width, height of the box around some pixels, from the picture's corner, clipped to the picture."""
    low, high = pixels.amin(0) + 0.5, pixels.amax(0) + 0.5
    pad = max(margin * float((high - low).max()), _LEAST_PAD_PX)
    left, top = (max(0.0, float(value) - pad) for value in low)
    right, bottom = (min(float(s), float(v) + pad) for s, v in zip((camera.width, camera.height), high, strict=True))
    return left, top, right - left, bottom - top


def _image_id(harvest: Harvest, frame: int, view: int) -> int:
    return frame * len(harvest.info.views) + view + 1


def _write_items(stream: TextIO, items: Iterator[dict[str, Any]]) -> None:
    separator = ""
    for item in items:
        stream.write(separator + _json(item))
        separator = ",\n"


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _r(value: float) -> float:
    return round(value, 3)


def _significant(value: float) -> float:
    return float(f"{value:.7g}")


EXPORTER = Exporter(
    name="coco",
    description="COCO keypoints, a JSON file a view, to train 2D detectors; joints that are not reliable have v = 0",
    options=CocoOptions,
    write=write_coco,
    is_folder=True,
)
