"""Which planted faults of a camera are named, with the right camera and kind? And how many false alarms are there?

Faults are planted in turn on every camera of a capture with keypoint files: its calibration is changed, or the
keypoints of one view. The cameras are then judged as a harvest judges them before it begins. Faults that move the
person in the picture by less than 10 px (median) are listed and not counted. With a network its answers in each view
alone are judged; with --pictures faults are planted on the pictures, and each is harvested. Simulated rigs can be
asked too: people
who move as those of the studio, with errors of a detector.

    python benchmarks/planted_faults.py CAPTURE --calibration FILE --keypoints FOLDER --frame-offset 1
    python benchmarks/planted_faults.py CAPTURE --calibration FILE --network efficientpose --weights FILE
    python benchmarks/planted_faults.py CAPTURE --calibration FILE --network efficientpose --weights FILE --pictures
    python benchmarks/planted_faults.py --studio 2 --network hourglass --pictures
    python benchmarks/planted_faults.py --simulated 2
    python benchmarks/planted_faults.py --simulated 2 --halfway   # faults that begin in the middle
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from poseharvest.capture.capture import Capture
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.detectors.registry import load_detector
from poseharvest.diagnosis.camera_faults import find_fault
from poseharvest.diagnosis.later_faults import find_later_fault
from poseharvest.diagnosis.shown_joints import ShownJoints
from poseharvest.findings import CameraFault
from study.planted import Planted, Scene, planted, planted_halfway, scene_of_capture, simulated_scene
from study.planted_pictures import ChangedPictures, harvested, picture_faults, scene_by_network, studio_source

COUNTED_PX = 10.0
THROUGHOUT = planted, find_fault
HALFWAY = planted_halfway, find_later_fault

Faults = Callable[[Scene], Iterator[Planted]]
Judge = Callable[..., CameraFault | None]
Counts = tuple[int, int, int]


def main() -> None:
    """Print a line a fault, and the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path, nargs="?")
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--keypoints", type=Path)
    parser.add_argument("--network", help="a detector in place of keypoint files")
    parser.add_argument("--weights", type=Path, help="of the network")
    parser.add_argument("--pictures", action="store_true", help="faults of the pictures, harvested with the network")
    parser.add_argument("--studio", type=int, default=0, help="number of captures of the studio, for a network")
    parser.add_argument("--frames", type=int, default=60, help="number of frames that a network looks at")
    parser.add_argument("--views", nargs="+", help="of these alone the pictures are changed")
    parser.add_argument("--frame-offset", type=int, default=0)
    parser.add_argument("--simulated", type=int, default=0, help="number of simulated rigs")
    parser.add_argument("--halfway", action="store_true", help="faults that begin in the middle of the take")
    parser.add_argument("--first-seed", type=int, default=900)
    options = parser.parse_args()
    named = counted = alarms = scenes = 0
    judge = partial(_judge, faults=HALFWAY if options.halfway else THROUGHOUT)
    detector = None if options.network is None else load_detector(options.network, weights=options.weights)
    for source in [] if detector is None else _sources(options):
        by_network = partial(_judge_pictures, options) if options.pictures else partial(_judge_answers, options, judge)
        right, all_of_them, alarm = by_network(source, detector)
        named, counted, alarms, scenes = named + right, counted + all_of_them, alarms + alarm, scenes + 1
    for scene in _scenes(options):
        right, all_of_them, alarm = judge(scene)
        named, counted, alarms, scenes = named + right, counted + all_of_them, alarms + alarm, scenes + 1
    share = 100 * named / max(counted, 1)
    print(f"named with camera and kind: {named} of {counted} ({share:.1f} %) that move the person by 10 px or more")
    print(f"false alarms on {scenes} captures without a fault: {alarms}")


def _scenes(options: argparse.Namespace) -> Iterator[Scene]:
    if options.capture is not None and options.network is None:
        yield scene_of_capture(options.capture, options.calibration, options.keypoints, options.frame_offset)
    for number in range(options.simulated):
        yield simulated_scene(options.first_seed + number)


def _sources(options: argparse.Namespace) -> Iterator[FrameSource]:
    if options.capture is not None:
        yield Capture.open(options.capture, calibration=options.calibration)
    for number in range(options.studio):
        yield studio_source(number, options.frames)


def _judge_answers(
    options: argparse.Namespace, judge: Callable[[Scene], Counts], source: FrameSource, detector: HeatmapDetector
) -> Counts:
    """Judge the answers of a network in each view alone."""
    return judge(scene_by_network(source, detector, options.frames))


def _judge_pictures(options: argparse.Namespace, source: FrameSource, detector: HeatmapDetector) -> Counts:
    """Harvest every fault of the pictures; print what is said of it, and return the same as `_judge`."""
    num = min(options.frames, source.num_frames)
    print(f"\n{source.name}: {len(source.rig)} cameras, {num} frames, harvested")
    named = counted = 0
    with TemporaryDirectory() as folder:
        clean = harvested(source, detector, Path(folder) / "h", num).camera_faults
        print(f"  no fault: {clean[0].finding.message if clean else 'nothing'}", flush=True)
        for (view, camera), fault in product(enumerate(source.rig.at(0)), picture_faults(num)):
            height, width = camera.image_size
            if (fault.is_square and height != width) or (options.views and camera.name not in options.views):
                continue
            info = harvested(ChangedPictures(source, view, fault), detector, Path(folder) / "h", num)
            found = info.camera_faults
            is_right = bool(found) and found[0].views == (camera.name,) and found[0].kind in fault.kinds
            counted, named = counted + 1, named + is_right
            said = "nothing" if not found else f"{' and '.join(found[0].views)}: {found[0].stretch}{found[0].kind}"
            mark = "" if is_right else "  WRONG" if found else "  missed"
            print(f"  {camera.name}: {fault.name}: {said}{mark}", flush=True)
    return named, counted, int(bool(clean))


def _judge(scene: Scene, faults: tuple[Faults, Judge]) -> Counts:
    """Print the verdict on every fault; return how many were named, how many counted, and the false alarms."""
    plant, judge = faults
    print(f"\n{scene.name}: {len(scene.cameras)} cameras, {len(scene.shown.frames)} frames")
    start = time.process_time()
    clean = judge(scene.cameras, scene.shown, scene.frame_rate, scene.mirrored_joints)
    print(
        f"  no fault: {'nothing' if clean is None else clean.finding.message} ({time.process_time() - start:.1f} CPU s)"
    )
    named = counted = 0
    for fault in plant(scene):
        shown = ShownJoints(scene.shown.frames, fault.pixels)
        found = judge(fault.cameras, shown, scene.frame_rate, scene.mirrored_joints)
        is_right = found is not None and set(found.views) == set(fault.views) and found.kind in fault.kinds
        is_counted = np.isfinite(fault.moved_px) and fault.moved_px >= COUNTED_PX
        counted, named = counted + is_counted, named + (is_right and is_counted)
        verdict = "nothing" if found is None else f"{' and '.join(found.views)}: {found.stretch}{found.kind}"
        mark = "" if is_right else "  WRONG" if found is not None else "  missed" if is_counted else "  small"
        print(f"  {' and '.join(fault.views)}: {fault.name}, {fault.moved_px:.0f} px: {verdict}{mark}", flush=True)
    return named, counted, int(clean is not None)


if __name__ == "__main__":
    main()
