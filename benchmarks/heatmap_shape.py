"""Do a detector's heatmaps say how wrong they are? Peaks' errors beside the heights and widths of their blobs.

    python benchmarks/heatmap_shape.py capture CAPTURE --calibration FILE --every 5
    python benchmarks/heatmap_shape.py pictures coco/test_coco.json --images coco
    python benchmarks/heatmap_shape.py simulated --errors measured
    python benchmarks/heatmap_shape.py left-out --errors measured

An error is the distance of a heatmap's peak from where the joint is, as a share of the person's extent in the picture.
Where it is: for a `capture`, which has no truth, the projection of the posterior that the *other* views give, so that
no view is judged by itself; for labelled `pictures` the label; for a `simulated` detector the truth. `left-out` treats
simulated footage as `capture` treats real footage: what these two print can be compared, whatever the other views'
own errors add to the distances.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from poseharvest import Capture, load_detector
from poseharvest.capture.frames import FrameSource
from poseharvest.datasets.coco_pictures import open_coco
from poseharvest.datasets.labelled_pictures import PersonLabels
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import project_all
from poseharvest.harvesting.subject import SubjectLearner
from poseharvest.heatmaps.maps import Heatmaps, heatmap_peaks
from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation import simulate
from simulated import ERRORS, print_errors, single_thread, spread_out, track
from studies import add_inference, inference_of
from study.blobs import measure_blobs

Floats = NDArray[np.float64]
HEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 2.0)
GROSS = 0.1  # of the extent
MIN_LABELS = 8
WINDOW_SHIFT, WINDOW_SCALES = 0.03, (1.15, 1.35)  # of the person's box


@dataclass(frozen=True, eq=False)
class Looks:
    """Joints as single views show them.

    Attributes:
        error: (N,) distance of the peak from where the joint is, share of the person's extent.
        height: (N,) of the peak.
        width_px: (N,) of its blob, pixels of the map.
        second: (N,) height of another blob, share of the peak's.
        hidden: (N,) bool, where labels say so.
        mirrored: (N,) bool, the peak lies nearer to the joint of the other side.
    """

    error: Floats
    height: Floats
    width_px: Floats
    second: Floats
    hidden: NDArray[np.bool_]
    mirrored: NDArray[np.bool_]


def looks_of(maps: Heatmaps, places: Tensor, mirror: Sequence[int], hidden: Tensor | None = None) -> Looks:
    """Return how V views show J joints at `places` (V, J, 2), pixels; NaN where not known."""
    peaks, blobs = heatmap_peaks(maps.values, maps.crops), measure_blobs(maps.values)
    low, high = (torch.where(torch.isfinite(places), places, limit) for limit in (torch.inf, -torch.inf))
    extent = (high.amax(1) - low.amin(1)).amax(-1)[:, None]
    error = torch.linalg.vector_norm(peaks.pixels - places, dim=-1) / extent
    other = torch.linalg.vector_norm(peaks.pixels - places[:, list(mirror)], dim=-1) / extent
    known = torch.isfinite(error) & torch.isfinite(blobs.second)
    nothing = torch.zeros_like(known)
    columns = (error, blobs.height, blobs.width_px, blobs.second, nothing if hidden is None else hidden, other < error)
    return Looks(*(column[known].numpy() for column in columns))


def together(parts: Iterable[Looks]) -> Looks:
    """Return all of them."""
    listed = list(parts)
    return Looks(*(np.concatenate([getattr(part, name) for part in listed]) for name in Looks.__dataclass_fields__))


def without_truth(source: FrameSource, detector: HeatmapDetector, every: int, options: InferenceOptions) -> Looks:
    """Return how each view shows the joints, judged by the posterior of the others."""
    seen = track(source, detector)
    learner = SubjectLearner(detector.skeleton, options)
    model = learner.model(learner.learn(spread_out(seen, 24)).shells)
    frames = [sighting.evidence for sighting in seen[::every]]
    return together(left_out(frames, model, detector.skeleton.flip_permutation))


def left_out(frames: Sequence[FrameEvidence], model: PictorialStructures, mirror: Sequence[int]) -> Iterable[Looks]:
    """Yield how each view of each frame shows the joints, judged by the posterior of the other views."""
    for view in range(len(frames[0].cameras)):
        there = [frame for frame in frames if frame.heatmaps.crops[view] is not None]
        posteriors = model.infer_many([_without(frame, view) for frame in there])
        for frame, posterior in zip(there, posteriors, strict=True):
            places = project_all([frame.cameras[view]], posterior.mean.double()).pixels
            alone = Heatmaps(frame.heatmaps.values[view : view + 1], (frame.heatmaps.crops[view],))
            yield looks_of(alone, places, mirror)


def _without(frame: FrameEvidence, view: int) -> FrameEvidence:
    crops = tuple(None if v == view else crop for v, crop in enumerate(frame.heatmaps.crops))
    values = frame.heatmaps.values.clone()
    values[view] = 0
    return FrameEvidence(Heatmaps(values, crops), frame.cameras, frame.center)


def with_labels(annotations: Path, images: Path, detector: HeatmapDetector, num_windows: int) -> Looks:
    """Return how the detector sees the labelled people of COCO's pictures, in windows about their boxes."""
    data, generator, parts = open_coco(annotations, images=images), np.random.default_rng(0), []
    shared = [joint for joint in data.skeleton.joints if joint in detector.skeleton.joints]
    theirs = [data.skeleton.index(joint) for joint in shared]
    ours = [detector.skeleton.index(joint) for joint in shared]
    mirror = [shared.index(data.skeleton.joints[data.skeleton.flip_permutation[i]]) for i in theirs]
    for picture in data.pictures:
        image = picture.read()
        for person in picture.people:
            if int(person.is_labelled[theirs].sum()) < MIN_LABELS:
                continue
            for crop in _windows(person, num_windows, generator):
                maps = Heatmaps(detector.detect([CroppedView("view", 0, crop, image)])[:, ours], (crop,))
                parts.append(looks_of(maps, person.pixels[None, theirs], mirror, ~person.is_visible[None, theirs]))
    return together(parts)


def _windows(person: PersonLabels, count: int, generator: np.random.Generator) -> Iterable[Crop]:
    side = float(torch.as_tensor(person.box)[2:].max())
    for _ in range(count):
        x, y = person.center.numpy() + WINDOW_SHIFT * side * generator.standard_normal(2)
        yield Crop((float(x), float(y)), side * float(generator.uniform(*WINDOW_SCALES)))


def simulated(name: str, seeds: range, every: int) -> Looks:
    """Return how the simulated detector sees the joints, judged by the truth."""
    parts = []
    for seed in seeds:
        simulation = simulate(200, seed, errors=ERRORS[name], render=False)
        sightings = track(simulation.capture, simulation.detector)[::every]
        mirror = simulation.detector.skeleton.flip_permutation
        for one in sightings:
            places = project_all(one.cameras, simulation.truth.positions[one.frame]).pixels
            parts.append(looks_of(one.heatmaps, places, mirror))
    return together(parts)


def print_looks(looks: Looks) -> None:
    """Print what goes with the height of a peak."""
    print(f"{len(looks.error)} joints in single views, errors in % of the person's extent in the picture")
    print("heights: " + _quantiles(looks.height, (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.95)))
    print("errors:  " + _quantiles(100 * looks.error, (0.25, 0.5, 0.75, 0.9, 0.95)), end="; ")
    print(f"mean {100 * looks.error.mean():.3f}, of what lies within {GROSS:.0%} {100 * _within(looks.error):.3f}")
    print(
        f"beyond {GROSS:.0%}: {_share(looks.error > GROSS)}; of these nearer to the joint of the other side: ", end=""
    )
    print(_share(looks.mirrored[looks.error > GROSS]))
    print("height       share   error: median  90 %   beyond 10 %   width px   second blob > 0.3")
    for low, high in pairwise(HEIGHTS):
        which = (looks.height >= low) & (looks.height < high)
        if which.sum() < 5:
            continue
        error = 100 * np.quantile(looks.error[which], (0.5, 0.9))
        print(
            f"{low:.1f} to {high:.1f}   {_share(which):>7}  {error[0]:12.2f} {error[1]:6.2f}  "
            f"{_share(looks.error[which] > GROSS):>11}  {np.median(looks.width_px[which]):9.2f}   "
            f"{_share(looks.second[which] > 0.3):>10}"
        )
    for name, values in (("height", -looks.height), ("width", looks.width_px), ("second blob", looks.second)):
        print(f"rank correlation of {name} with the error: {spearmanr(values, looks.error).statistic:.3f}")
    print(f"error goes with height to the power {slope(looks.height, looks.error):.2f}", end=", ")
    print(f"width with height to the power {slope(looks.height, looks.width_px):.2f}")
    if looks.hidden.any():
        for word, which in (("hidden", looks.hidden), ("visible", ~looks.hidden)):
            error = 100 * np.median(looks.error[which])
            print(f"{word}: {_share(which)}, median height {np.median(looks.height[which]):.2f}, error {error:.2f}")


def _within(error: Floats) -> float:
    return float(error[error < GROSS].mean())


def slope(height: Floats, value: Floats) -> float:
    """Return the power of the height that a value goes with, by least squares on logarithms."""
    usable = (height > 0.03) & (value > 0)
    return float(np.polyfit(np.log(height[usable]), np.log(value[usable]), 1)[0])


def _quantiles(values: Floats, at: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.2f} ({q:.0%})" for q, value in zip(at, np.quantile(values, at), strict=True))


def _share(which: NDArray[np.bool_]) -> str:
    return f"{100 * float(which.mean()):.1f} %" if which.size else "none"


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in ("capture", "pictures"):
        real = kinds.add_parser(kind)
        real.add_argument("path", type=Path, help="a capture's folder, or COCO's annotations")
        real.add_argument("--detector", default="efficientpose")
        real.add_argument("--weights", default=None)
        real.add_argument("--images", type=Path, default=None, help="of `pictures`")
        real.add_argument("--windows", type=int, default=5, help="of `pictures`: so many a person")
        real.add_argument("--calibration", type=Path, default=None, help="of `capture`")
        real.add_argument("--every", type=int, default=5, help="of `capture`: judge every n-th frame")
    for kind in ("simulated", "left-out"):
        false = kinds.add_parser(kind)
        false.add_argument("--errors", choices=tuple(ERRORS), default="measured")
        false.add_argument("--sequences", type=int, default=3, help="of 200 frames, seeds from 700")
        false.add_argument("--every", type=int, default=20, help="judge every n-th frame")
    for name, kind in kinds.choices.items():
        if name in {"capture", "left-out"}:
            add_inference(kind)
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    arguments = parse()
    single_thread()
    if arguments.kind in {"simulated", "left-out"}:
        print_errors(arguments.errors)
        seeds = range(700, 700 + arguments.sequences)
        if arguments.kind == "simulated":
            print_looks(simulated(arguments.errors, seeds, arguments.every))
            return
        scenes = [simulate(200, seed, errors=ERRORS[arguments.errors], render=False) for seed in seeds]
        options = inference_of(arguments)
        print_looks(together(without_truth(one.capture, one.detector, arguments.every, options) for one in scenes))
        return
    detector = load_detector(arguments.detector, weights=arguments.weights)
    if arguments.kind == "pictures":
        print_looks(with_labels(arguments.path, arguments.images, detector, arguments.windows))
        return
    capture = Capture.open(arguments.path, calibration=arguments.calibration)
    options = inference_of(arguments)
    print_looks(without_truth(capture, detector, arguments.every, options))


if __name__ == "__main__":
    main()
