"""Campus or Shelf from their own files to the table of PCP by actor: keypoints per view in, several people out.

The folder holds what VoxelPose passes around (see `poseharvest.datasets.campus_shelf`). Keypoints are VoxelPose's
`pred_*.pkl`, or a folder of COCO files a camera where somebody has others. Only the frames and actors that papers judge
count where the data hold them; otherwise all that are annotated.

    python benchmarks/shelf.py shelf ROOT --out shelf-harvest
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from poseharvest.datasets.campus_shelf import EVALUATION_ACTORS, EVALUATION_FRAMES
from poseharvest.datasets.protocol import SequenceTruth
from poseharvest.datasets.registry import open_dataset
from poseharvest.datasets.voxelpose_keypoints import convert_voxelpose_keypoints
from poseharvest.detectors.keypoints import KeypointDetector
from poseharvest.errors import DatasetError
from poseharvest.evaluation.pcp_by_person import PcpByPerson, pcp_by_person
from poseharvest.evaluation.tracks import PoseTracks, harvest_tracks
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions


def tracks_of(truth: SequenceTruth, name: str, actors: tuple[str, ...] = EVALUATION_ACTORS) -> PoseTracks:
    """Return the poses that are judged, actors numbered as in `actors`."""
    there = {int(number) for person in truth.people for number in person.numbers}
    judged = torch.tensor(sorted(there & set(EVALUATION_FRAMES[name])) or sorted(there))
    people = [truth.person(actor).at_numbers(judged) for actor in actors]
    return PoseTracks(
        truth.skeleton.joints,
        np.concatenate([person.frames.numpy() for person in people]),
        np.concatenate([np.full(len(person.frames), i) for i, person in enumerate(people)]),
        np.concatenate([person.positions.numpy() for person in people]),
    )


def keypoint_folder(root: Path, given: Path | None, folder: Path, numbers: tuple[int, ...]) -> Path:
    """Return the folder of keypoint files, made of the data set's pickle if none is given."""
    if given is not None and given.is_dir():
        return given
    found = sorted(root.glob("pred_*.pkl")) if given is None else [given]
    if len(found) != 1:
        raise DatasetError(f"{root}: expected one pred_*.pkl, got {len(found)}: give --keypoints")
    convert_voxelpose_keypoints(found[0], folder, numbers)
    return folder


def run(name: str, root: Path, out: Path, keypoints: Path | None, options: HarvestOptions) -> PcpByPerson:
    """Harvest everybody and judge the actors."""
    sequence = open_dataset(name, root).sequences[0]
    footage = sequence.footage(pictures=False)
    numbers = tuple(int(number) for number in footage.numbers)
    detector = KeypointDetector(keypoint_folder(root, keypoints, out.with_name(f"{out.name}-keypoints"), numbers))
    made = harvest(footage, detector, out, options=options, overwrite=True)
    for person in made.info.people:
        print(f"person {person.person}: {person.frames} frames, {person.first_frame} to {person.last_frame}")
    for finding in made.info.findings:
        print(f"{finding.severity}: {finding.message}")
    return pcp_by_person(
        harvest_tracks(made, unsure=True), made.skeleton, tracks_of(sequence.truth(), name), EVALUATION_ACTORS
    )


def show(table: PcpByPerson) -> None:
    """Print the table."""
    names = list(table.people)
    printed = Table("part", *names, title="PCP, %")
    for part in next(iter(table.parts.values())):
        printed.add_row(part, *(f"{table.parts[name][part].value:.1f}" for name in names))
    printed.add_row("all", *(f"{table.people[name].value:.1f}" for name in names))
    Console(highlight=False).print(printed)
    print(f"mean over actors {table.mean.value:.1f} %; {next(iter(table.people.values())).protocol}")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=tuple(EVALUATION_FRAMES))
    parser.add_argument("root", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the harvest to make")
    parser.add_argument("--keypoints", type=Path, help="a pickle of VoxelPose's or a folder of COCO files")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    options = HarvestOptions(people=None, num_previews=0)
    show(run(arguments.dataset, arguments.root, arguments.out, arguments.keypoints, options))


if __name__ == "__main__":
    main()
