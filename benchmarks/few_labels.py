"""What a tenth of the labels of long footage teaches: how much of the gain of all of them, chosen in two ways?

    python benchmarks/few_labels.py /tmp/few --seeds 0 1 2

The studio films a person in five actions; the shipped network harvests them and is fine-tuned on the labels: on all, on
the share that tells most (`personalize --teach-share`), and on as many frames that lie evenly. All trainings take as
many steps. Judged on other takes of the same actions: the distance of each view's peak from the true joint, in windows
around the true person, per cent of the window's side. The truth judges and nothing else. Results are kept in the folder
and not measured twice.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.network import NetworkDetector
from poseharvest.detectors.protocol import CroppedView
from poseharvest.detectors.registry import load_detector
from poseharvest.geometry.crop import crop_around
from poseharvest.geometry.rig import project_all
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.learning.personalize.finetune import trainable
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.learning.personalize.labels import labels_of_takes
from poseharvest.learning.personalize.recipe import REFINEMENT
from poseharvest.learning.personalize.takes import LabelledTake, learn_from_takes
from poseharvest.tables.studio.filming import Filming, Take, film

ACTIONS = ("Walking", "SittingDown", "Greeting", "Phoning", "Purchases")
FIRST_SUBJECT, JUDGED_SEED = 700, 5000


def takes_of(subject: int, seed: int, folder: Path, frames: int, every: int) -> list[Take]:
    """Return a subject's takes; every how many frames of 25 a second are filmed."""
    filming = Filming(num_frames=frames, frame_rate=25.0 / every)
    return [film(subject, action, seed, folder / f"{action}-{seed}", filming=filming) for action in ACTIONS]


def harvests_of(takes: Sequence[Take], detector: NetworkDetector, folder: Path) -> list[Harvest]:
    """Return the takes' harvests, made if they are not there."""
    places = [folder / f"harvest-{take.action}" for take in takes]
    return [
        Harvest.open(place) if place.exists() else harvest(take.capture, detector, place)
        for take, place in zip(takes, places, strict=True)
    ]


def error_of(detector: NetworkDetector, takes: Sequence[Take]) -> float:
    """Return the mean distance of peaks from true joints, per cent of the window's side."""
    found = []
    for take in takes:
        cameras = take.capture.rig.at(0)
        for frame in take.capture.frames():
            pixels = project_all(cameras, take.truth.positions[frame.index].double()).pixels
            views = [
                CroppedView(name, frame.index, crop_around(place, 1.35), image)
                for name, place, image in zip(take.capture.rig.names, pixels, frame.images, strict=True)
            ]
            crops = [view.crop for view in views]
            apart = torch.linalg.vector_norm(heatmap_peaks(detector.detect(views), crops).pixels - pixels, dim=-1)
            found.append((apart / torch.tensor([crop.side for crop in crops])[:, None]).numpy())
    return 100 * float(np.concatenate(found).mean())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--frames", type=int, default=60, help="of each of five actions, 12.5 a second")
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=REFINEMENT.epochs, help="of the training on all labels")
    parser.add_argument("--labels", default="ps+weight", choices=[kind.value for kind in LabelSet])
    arguments = parser.parse_args()
    for seed in arguments.seeds:
        errors = measured(arguments, seed)
        gain = errors["before"] - errors["all"]
        words = [f"{way} {error:.3f}" for way, error in errors.items()]
        shares = [f"{way} {100 * (errors['before'] - errors[way]) / gain:.0f} %" for way in ("telling", "even")]
        print(f"seed {seed}: error, % of the window: {', '.join(words)}; of the gain: {', '.join(shares)}", flush=True)


def measured(arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    """Return the errors before and after each way of learning, from the folder where they stand there."""
    folder = arguments.out / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "errors.json"
    errors: dict[str, float] = json.loads(record.read_text()) if record.exists() else {}
    detector = trainable(load_detector("hourglass"))
    learned = takes_of(FIRST_SUBJECT + seed, seed, folder, arguments.frames, 2)
    judged = takes_of(FIRST_SUBJECT + seed, seed + JUDGED_SEED, folder, arguments.frames // 2, 4)
    harvests = harvests_of(learned, detector, folder)
    everything, step = range(arguments.frames), round(1 / arguments.share)
    ways = {
        "all": (1.0, everything),
        "telling": (arguments.share, everything),
        "even": (1.0, range(step // 2, arguments.frames, step)),
    }
    if "before" not in errors:
        errors["before"] = error_of(detector, judged)
    for way, (share, frames) in ways.items():
        if way not in errors:
            labels = labels_of_takes(harvests, LabelSet(arguments.labels), [frames] * len(harvests), share)
            passes = arguments.epochs if way == "all" else round(arguments.epochs / arguments.share)
            parts = [
                LabelledTake(take.capture, detector.skeleton, of_take)
                for take, of_take in zip(learned, labels, strict=True)
                if of_take
            ]
            (folder / way).mkdir(exist_ok=True)
            tuned = learn_from_takes(
                detector,
                parts,
                folder / way,
                options=replace(REFINEMENT, epochs=passes, seed=seed),
                resume=True,
                on_frame=lambda _: None,
                on_step=lambda _: None,
            )
            errors[way] = error_of(tuned, judged)
            print(f"  {way}: {sum(map(len, labels))} pictures, {errors[way]:.3f} %", flush=True)
            record.write_text(json.dumps(errors))
    return errors


if __name__ == "__main__":
    main()
