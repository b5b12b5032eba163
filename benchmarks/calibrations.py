"""How exact `poseharvest calibrate` is on drawn footage of a board before known cameras.

Run: `.venv/bin/python benchmarks/calibrations.py --seeds 3`. For each rig and seed it prints the largest error over
the cameras of rotation (degrees), place (mm) and focal length (%), after the calibrated cameras were laid onto the true
ones by one rotation and shift, without scale; and the same in the world of the board on the floor.
"""

from __future__ import annotations

import argparse

from poseharvest.errors import CalibrationError
from study.calibration_study import KINDS, run_study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    arguments = parser.parse_args()
    print(f"{'rig and board':32s} seed  rotation     place    focal   corners  floor: rotation   place  unfit")
    for kind in arguments.kinds:
        for seed in range(arguments.seeds):
            try:
                result = run_study(KINDS[kind], seed)
            except CalibrationError as error:
                print(f"{kind:32s} {seed:4d} {error}", flush=True)
                continue
            print(
                f"{kind:32s} {seed:4d}",
                f"{result.rotation_deg:7.3f} deg {result.place_mm:6.2f} mm {result.focal_percent:6.3f} %",
                f"{result.corner_px:6.3f} px",
                f"{result.floor_rotation_deg:12.3f} deg {result.floor_place_mm:6.2f} mm {result.num_errors:4d}",
                flush=True,
            )


if __name__ == "__main__":
    main()
