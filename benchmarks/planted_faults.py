"""Which planted faults of a camera are named, with the right camera and kind? And how many false alarms are there?

Faults are planted in turn on every camera of a capture with keypoint files: its calibration is changed, or the
keypoints of one view. The cameras are then judged as a harvest judges them before it begins. Faults that move the
person in the picture by less than 10 px (median) are listed and not counted. Simulated rigs can be asked too: people
who move as those of the studio, with errors of a detector.

    python benchmarks/planted_faults.py CAPTURE --calibration FILE --keypoints FOLDER --frame-offset 1
    python benchmarks/planted_faults.py --simulated 2
    python benchmarks/planted_faults.py --simulated 2 --halfway   # faults that begin in the middle
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from poseharvest.diagnosis.camera_faults import find_fault
from poseharvest.diagnosis.later_faults import find_later_fault
from poseharvest.diagnosis.shown_joints import ShownJoints
from poseharvest.findings import CameraFault
from study.planted import Planted, Scene, planted, planted_halfway, scene_of_capture, simulated_scene

COUNTED_PX = 10.0
THROUGHOUT = planted, find_fault
HALFWAY = planted_halfway, find_later_fault

Faults = Callable[[Scene], Iterator[Planted]]
Judge = Callable[..., CameraFault | None]


def main() -> None:
    """Print a line a fault, and the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path, nargs="?")
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--keypoints", type=Path)
    parser.add_argument("--frame-offset", type=int, default=0)
    parser.add_argument("--simulated", type=int, default=0, help="number of simulated rigs")
    parser.add_argument("--halfway", action="store_true", help="faults that begin in the middle of the take")
    parser.add_argument("--first-seed", type=int, default=900)
    options = parser.parse_args()
    named = counted = alarms = scenes = 0
    for scene in _scenes(options):
        right, all_of_them, alarm = _judge(scene, *(HALFWAY if options.halfway else THROUGHOUT))
        named, counted, alarms, scenes = named + right, counted + all_of_them, alarms + alarm, scenes + 1
    share = 100 * named / max(counted, 1)
    print(f"named with camera and kind: {named} of {counted} ({share:.1f} %) that move the person by 10 px or more")
    print(f"false alarms on {scenes} captures without a fault: {alarms}")


def _scenes(options: argparse.Namespace) -> Iterator[Scene]:
    if options.capture is not None:
        yield scene_of_capture(options.capture, options.calibration, options.keypoints, options.frame_offset)
    for number in range(options.simulated):
        yield simulated_scene(options.first_seed + number)


def _judge(scene: Scene, faults: Faults, judge: Judge) -> tuple[int, int, int]:
    """Print the verdict on every fault; return how many were named, how many counted, and the false alarms."""
    print(f"\n{scene.name}: {len(scene.cameras)} cameras, {len(scene.shown.frames)} frames")
    start = time.process_time()
    clean = judge(scene.cameras, scene.shown, scene.frame_rate, scene.mirrored_joints)
    print(
        f"  no fault: {'nothing' if clean is None else clean.finding.message} ({time.process_time() - start:.1f} CPU s)"
    )
    named = counted = 0
    for fault in faults(scene):
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
