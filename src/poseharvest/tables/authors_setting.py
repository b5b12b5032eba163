"""The authors' setting: windows, bounding volume and limb lengths from the truth (choices D4 and D5 say what we do).

Their code reads all three from the annotations. This module does as they do, so that both can be compared; it is used
only where somebody asks for it, and the harvest says so in its options. The method then only has to find the joints
within the true box.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from poseharvest.annotations.info import CaptureInfo, DetectorInfo, HarvestRun
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.datasets.protocol import PersonTruth
from poseharvest.detectors.protocol import HeatmapDetector, details_of
from poseharvest.errors import DatasetError
from poseharvest.harvesting.annotate import annotate, batched, infer_each
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.subject import by_name
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.localization.find.match_views import triangulate_poses
from poseharvest.localization.find.observation import crops_around, detect_views, view_candidates
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.progress import OnProgress, Progress
from poseharvest.skeleton.convert import Conversion
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton

FROM_TRUTH: Final = "windows, bounding volume, limb lengths"
_FRAMES_TOGETHER = 4


@dataclass(frozen=True, eq=False)
class KnownBody:
    """What is read from the truth.

    Attributes:
        positions: (F, J, 3) of the detector's joints in every frame, mm; NaN where not known. Frames without any are
            left out.
        limb_lengths: L_ij of Eq. (2), taken as they are.
    """

    positions: Tensor
    limb_lengths: LimbLengths


def known_body(truth: PersonTruth, positions: Tensor, skeleton: Skeleton) -> KnownBody:
    """Return what the authors read from the truth, for a detector's skeleton.

    Args:
        truth: of the whole sequence, from which the lengths are taken.
        positions: (F, J, 3) of the frames that are harvested, joints of the truth.
        skeleton: of the detector.

    Raises:
        SkeletonError: the detector has joints that cannot be derived from the truth's.
        DatasetError: a limb is never annotated whole.
    """
    conversion = Conversion(truth.skeleton, skeleton)
    return KnownBody(conversion.points(positions), true_limb_lengths(truth, skeleton))


def true_limb_lengths(truth: PersonTruth, skeleton: Skeleton) -> LimbLengths:
    """Return the median true length of every limb of a skeleton, mm.

    Raises:
        SkeletonError: the skeleton has joints that cannot be derived from the truth's.
        DatasetError: a limb is never annotated whole.
    """
    points = Conversion(truth.skeleton, skeleton).points(truth.positions.double())
    lengths = {}
    for limb in skeleton.limbs:
        length = (points[:, skeleton.index(limb.parent)] - points[:, skeleton.index(limb.child)]).norm(dim=-1)
        known = length[torch.isfinite(length)]
        if not len(known):
            raise DatasetError(
                f'truth of "{truth.name}": expected limb "{limb.name}" annotated in some frame, got none'
            )
        lengths[limb.parent, limb.child] = float(known.median())
    return LimbLengths(lengths)


def harvest_from_truth(
    footage: FrameSource,
    detector: HeatmapDetector,
    out: Path,
    *,
    body: KnownBody,
    options: HarvestOptions,
    on_progress: OnProgress,
) -> Harvest:
    """Harvest with the person's place and body known beforehand.

    Args:
        footage: the pictures and the cameras.
        detector: the 2D network.
        out: the folder to make; an earlier harvest there is replaced.
        body: the person's place and limb lengths.
        options: of inference and selection.
        on_progress: hears how far it is.
    """
    model = PictorialStructures(detector.skeleton, body.limb_lengths, options.inference, device=options.device)
    with HarvestWriter(out, rig=footage.rig, skeleton=detector.skeleton, overwrite=True) as writer:
        for sighting, posterior in infer_each(model, _sightings(footage, detector, body.positions)):
            writer.add(annotate(sighting, posterior))
            on_progress(Progress(sighting.frame + 1, footage.num_frames, "harvesting in the authors' setting"))
        return writer.finish(_run(footage, detector, model, options), options.selection)


def _sightings(footage: FrameSource, detector: HeatmapDetector, truth: Tensor) -> Iterator[Sighting]:
    known = torch.isfinite(truth).all(-1)
    frames = (frame for frame in footage.frames() if bool(known[frame.index].any()))
    for together in batched(frames, _FRAMES_TOGETHER):
        points = [truth[frame.index][known[frame.index]] for frame in together]
        yield from _observed(footage, detector, together, points)


def _observed(
    footage: FrameSource, detector: HeatmapDetector, frames: list[MultiViewFrame], points: list[Tensor]
) -> Iterator[Sighting]:
    cameras = [footage.rig.at(frame.index) for frame in frames]
    crops = [crops_around(one, static) for one, static in zip(points, cameras, strict=True)]
    maps = detect_views(detector, frames, cameras[0], crops)
    peaks = [heatmap_peaks(one.values, one.crops) for one in maps]
    members = [view_candidates(one, tops) for one, tops in zip(maps, peaks, strict=True)]
    roughs = triangulate_poses(members, cameras, len(detector.skeleton))
    for frame, static, one, tops, rough, place in zip(frames, cameras, maps, peaks, roughs, points, strict=True):
        if any(crop is not None for crop in one.crops):
            middle = (place.amin(0) + place.amax(0)) / 2
            yield Sighting(frame.index, frame.time_s, static, one, tops, rough, middle)


def _run(
    footage: FrameSource, detector: HeatmapDetector, model: PictorialStructures, options: HarvestOptions
) -> HarvestRun:
    model_options = {"voxel_mm": model.voxel_mm, "edge_mm": model.edge_mm, "tolerance_mm": model.tolerance_mm}
    return HarvestRun(
        capture=CaptureInfo(name=footage.name, path=None, frame_rate=footage.frame_rate, num_frames=footage.num_frames),
        detector=DetectorInfo(name=detector.name, heatmap_size=detector.heatmap_size, details=details_of(detector)),
        limb_lengths_mm=by_name(model.lengths),
        options={
            **options.as_dict(),
            **model_options,
            "limb_lengths_given": True,
            "boxes_given": True,
            "from_truth": FROM_TRUTH,
        },
    )
