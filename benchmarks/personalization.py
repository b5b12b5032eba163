"""Personalise EfficientPose-I on frames 1-70 of the balance capture and judge it on frames 71-100, by label set.

    POSEHARVEST_CACHE=../shared/weights python benchmarks/personalization.py ../shared/captures/balance \
        --out /tmp/personal --seeds 0,1

Frames count from 1 here and from 0 in the files. Every network sees the same windows, those of the generic harvest of
frames 71-100. Two judges: distances from the single view's peak to OpenPose's in that view over the limb joints where
OpenPose is sure; and to OpenPose's keypoints of all views, harvested (`fair_judge.py`), over all of them. Then frames
71-100 are harvested again with each network. OpenPose is an independent opinion, not the truth, and nothing is learned
or chosen with it. Rows are appended to OUT/rows.jsonl as they come and not measured twice.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from balance import FIRST_FRAME, JOINTS, pixel_distance, project, read_openpose
from fair_judge import distance_to, reference_harvest, reference_pixels
from poseharvest import Capture, Harvest, HarvestOptions, harvest, load_detector
from poseharvest.annotations.reselect import reselect
from poseharvest.detectors.network import NetworkDetector
from poseharvest.detectors.protocol import CroppedView
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.personalize.finetune import trainable
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.learning.personalize.labels import harvest_labels
from poseharvest.learning.personalize.recipe import REFINEMENT
from poseharvest.learning.personalize.takes import LabelledTake, learn_from_takes
from poseharvest.selection.rules import SelectionRule, selection_rule

LEARNED, JUDGED = range(70), range(70, 100)
GROSS_PX = 50.0
WRIST = JOINTS.index("right_wrist")
ANKLES = [JOINTS.index("left_ankle"), JOINTS.index("right_ankle")]


@dataclass(frozen=True)
class Row:
    """One network on the judged frames; distances to OpenPose in pixels of the pictures."""

    labels: str
    seed: int
    mean: float
    median: float
    gross_percent: float
    right_wrist: float
    harvest_mean: float
    harvest_right_wrist: float
    seconds: float
    by_joint: dict[str, float]
    fair_mean: float
    fair_gross_percent: float
    fair_right_wrist: float
    fair_ankles: float
    fair_by_joint: dict[str, float]


@dataclass(frozen=True)
class Bench:
    """The footage with its two generic harvests, and where the fair judge sees the joints, (F, V, J, 2)."""

    capture: Capture
    detector: NetworkDetector
    learned: Harvest
    judged: Harvest
    folder: Path
    reference: np.ndarray


def set_up(folder: Path, out: Path, rule: SelectionRule) -> Bench:
    """Return the generic harvests, made if they are not there, and selected by a rule."""
    capture = Capture.open(folder, calibration=folder / "calibration" / "calib_scene.toml")
    detector = trainable(load_detector("efficientpose"))
    harvests = [
        Harvest.open(path) if path.exists() else harvest(capture, detector, path, options=part)
        for path, part in ((out / "learned", _part(LEARNED)), (out / "judged", _part(JUDGED)))
    ]
    harvests = [made if made.info.selection.rule == rule else reselect(made, rule) for made in harvests]
    made = reference_harvest(capture, folder, out / "reference", JUDGED.stop)
    return Bench(capture, detector, harvests[0], harvests[1], out, reference_pixels(made, harvests[0], JUDGED))


def _part(frames: range) -> HarvestOptions:
    return HarvestOptions(start=frames.start, stop=frames.stop)


def learn(bench: Bench, labels: LabelSet, training: TrainingOptions) -> NetworkDetector:
    """Return the detector fine-tuned on one label set."""
    found = harvest_labels(bench.learned, labels, LEARNED)
    scratch = bench.folder / f"{labels.value}-{training.seed}"
    scratch.mkdir(exist_ok=True)
    return learn_from_takes(
        bench.detector,
        [LabelledTake(bench.capture, bench.learned.skeleton, found)],
        scratch,
        options=training,
        resume=True,
        on_frame=lambda _: None,
        on_step=lambda _: None,
    )


def judge(bench: Bench, detector: NetworkDetector, openpose: Path, labels: str, seed: int) -> Row:
    """Return the distances of one network."""
    peaks = _peaks(bench, detector)
    alone = openpose_distance(peaks, openpose, bench.judged.view_names, JUDGED)
    fair = distance_to(peaks, bench.reference)
    again = bench.folder / f"harvest-{labels}-{seed}"
    made = harvest(bench.capture, detector, again, options=_part(JUDGED), overwrite=True)
    index = [made.skeleton.index(joint) for joint in JOINTS]
    poses = torch.stack([record.mean[index] for record in made.iter_frames()])
    posed = openpose_distance(project(poses, made.rig.at(0)), openpose, made.view_names, JUDGED)
    return Row(
        labels=labels,
        seed=seed,
        mean=float(np.nanmean(alone)),
        median=float(np.nanmedian(alone)),
        gross_percent=100 * float((alone[np.isfinite(alone)] > GROSS_PX).mean()),
        right_wrist=float(np.nanmean(alone[..., WRIST])),
        harvest_mean=float(np.nanmean(posed)),
        harvest_right_wrist=float(np.nanmean(posed[..., WRIST])),
        seconds=0.0,
        by_joint={joint: float(np.nanmean(alone[..., k])) for k, joint in enumerate(JOINTS)},
        fair_mean=float(fair.mean()),
        fair_gross_percent=100 * float((fair > GROSS_PX).mean()),
        fair_right_wrist=float(fair[..., WRIST].mean()),
        fair_ankles=float(fair[..., ANKLES].mean()),
        fair_by_joint={joint: float(fair[..., k].mean()) for k, joint in enumerate(JOINTS)},
    )


def openpose_distance(pixels: np.ndarray, folder: Path, views: tuple[str, ...], frames: range) -> np.ndarray:
    """Return (F, V, J) distances of (F, V, J, 2) pixels of some frames; NaN where OpenPose is not sure."""
    files = read_openpose(folder, views, frames.stop - FIRST_FRAME)
    return pixel_distance(pixels, files[frames.start - FIRST_FRAME :])


def _peaks(bench: Bench, detector: NetworkDetector) -> np.ndarray:
    """Return (F, V, J, 2) peaks in the windows of the generic harvest."""
    index = [bench.judged.skeleton.index(joint) for joint in JOINTS]
    records = {record.frame: record for record in bench.judged.iter_frames()}
    found = []
    for frame in bench.capture.frames(JUDGED.start, JUDGED.stop):
        crops = records[frame.index].crops
        pictures = zip(bench.judged.view_names, crops, frame.images, strict=True)
        views = [CroppedView(view, frame.index, crop, image) for view, crop, image in pictures if crop is not None]
        found.append(heatmap_peaks(detector.detect(views), [view.crop for view in views]).pixels[:, index])
    return torch.stack(found).numpy()


def print_table(rows: list[Row]) -> None:
    """Print a line a network, then the mean and the range of each label set."""
    single = f"mean median  >{GROSS_PX:.0f} px  right wrist"
    print(f"{'labels':9} seed   {single} | harvest, right wrist | fair: mean >{GROSS_PX:.0f} px wrist ankles | seconds")
    for row in rows:
        print(f"{row.labels:9} {row.seed:4} {_numbers([row])} | {row.seconds:.0f}")
    for labels in dict.fromkeys(row.labels for row in rows):
        same = [row for row in rows if row.labels == labels]
        spread = f"{min(r.mean for r in same):.1f} to {max(r.mean for r in same):.1f}"
        print(f"{labels:9} mean {_numbers(same)} | mean px over {len(same)} seeds {spread}")
        for judge_name in ("by_joint", "fair_by_joint"):
            means = {joint: np.mean([getattr(row, judge_name)[joint] for row in same]) for joint in JOINTS}
            print(f"    {judge_name}: " + ", ".join(f"{joint} {mean:.1f}" for joint, mean in means.items()))


def _numbers(rows: list[Row]) -> str:
    names = ("mean", "median", "gross_percent", "right_wrist", "harvest_mean", "harvest_right_wrist")
    names += ("fair_mean", "fair_gross_percent", "fair_right_wrist", "fair_ankles")
    mean = {name: float(np.mean([getattr(row, name) for row in rows])) for name in names}
    alone = f"{mean['mean']:6.2f} {mean['median']:6.2f} {mean['gross_percent']:7.2f} {mean['right_wrist']:12.1f}"
    fair = f"{mean['fair_mean']:10.2f} {mean['fair_gross_percent']:6.2f} {mean['fair_right_wrist']:5.1f}"
    again = f"{mean['harvest_mean']:7.2f} {mean['harvest_right_wrist']:12.1f}"
    return f"{alone} | {again} | {fair} {mean['fair_ankles']:6.1f}"


def main() -> None:
    """Measure what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for harvests, networks and rows")
    parser.add_argument("--labels", default="ps+weight,ps+sel,hm,hm+sel,ps")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--limit", type=float, default=None, help="of the selection, as harvest has it; own --out")
    parser.add_argument("--epochs", type=int, default=REFINEMENT.epochs)
    parser.add_argument("--distillation", type=float, default=REFINEMENT.distillation, help="own --out")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    training = replace(REFINEMENT, epochs=arguments.epochs, distillation=arguments.distillation)
    bench = set_up(arguments.capture, arguments.out, selection_rule(limit=arguments.limit))
    openpose, record = arguments.capture / "openpose", arguments.out / "rows.jsonl"
    rows = [Row(**json.loads(line)) for line in record.read_text().splitlines()] if record.exists() else []
    wanted = [("generic", 0)]
    seeds = [int(seed) for seed in arguments.seeds.split(",") if seed]
    wanted += [(labels, seed) for seed in seeds for labels in arguments.labels.split(",")]
    for labels, seed in wanted:
        if any((row.labels, row.seed) == (labels, seed) for row in rows):
            continue
        start = time.monotonic()
        generic = labels == "generic"
        detector = bench.detector if generic else learn(bench, LabelSet(labels), replace(training, seed=seed))
        learned_s = time.monotonic() - start
        rows.append(replace(judge(bench, detector, openpose, labels, seed), seconds=learned_s))
        with record.open("a") as file:
            file.write(json.dumps(asdict(rows[-1])) + "\n")
    print_table(rows)


if __name__ == "__main__":
    main()
