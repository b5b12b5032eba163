"""How exactly are cameras placed by nobody but the people whom they film?

    python benchmarks/calibrated_by_people.py --seeds 3
    python benchmarks/calibrated_by_people.py --seeds 3 --guessed
    python benchmarks/calibrated_by_people.py --refined
    python benchmarks/calibrated_by_people.py --capture ../shared/captures/balance \
        --calibration ../shared/captures/balance/calibration/calib_scene.toml \
        --detector ../shared/captures/balance/openpose --limb left_knee-left_ankle=395

Simulated people move before synthetic rigs, seen with the errors of a detector. The cameras that are found are laid
onto the true ones by one rotation and shift; the scale is that of one true limb length. A real capture is compared with
its own calibration, which is not the truth, with one scale.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from poseharvest.capture.capture import Capture
from poseharvest.detectors.registry import load_detector
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.people_calibration import KnownLength, PeopleCalibration, calibrate_by_people, watch_people
from poseharvest.people_calibration.people_footage import guessed_lens
from poseharvest.people_calibration.refined_rig import refine_rig
from poseharvest.rig_calibration.lenses import lens_of_camera
from poseharvest.simulation.camera_rigs import random_rig, studio_rig
from poseharvest.simulation.scene import Scene, make_scene
from poseharvest.skeleton.definitions import MPII16
from study.seen_joints import rig_error, rotation_of, seen_by_cameras

LIMB = "left_knee-left_ankle"


def median_error_px(result: PeopleCalibration) -> float:
    """Return the median reprojection error of the detections that took part, pixels."""
    return float(np.nanmedian(result.adjusted.errors_px[result.adjusted.evidence.used]))


def print_simulated(seeds: int, *, guessed: bool) -> None:
    """Print the errors of simulated rigs, the largest over the cameras, and the focal length's."""
    print(f"{'rig':12} seed placed  angle, deg  place, mm (sigma)  focal, %      scale, %  error, px")
    for seed in range(seeds):
        for name, rig in rigs(seed).items():
            scene = make_scene(seed, rig)
            true_mm = float(
                (scene.points(0)[MPII16.index("left_knee")] - scene.points(0)[MPII16.index("left_ankle")]).norm()
            )
            lenses = [guessed_lens(c.image_size) if guessed else lens_of_camera(c) for c in scene.cameras]
            sightings = seen_by_cameras(scene, 150, seed)
            result = calibrate_by_people(sightings, lenses, known=KnownLength(limb_mm=(LIMB, true_mm)))
            error = rig_error(result.rig, scene.rig, with_scale=False)
            place_sigma_mm = result.scale.factor * result.deviations.place_mm.max()
            print(
                f"{name:12} {seed:4d} {len(result.rig):3d}/{len(scene.rig)} {error.angle_deg.max():10.2f} "
                f"{error.place_mm.max():6.0f} ({place_sigma_mm:4.0f})  "
                f"{focal_text(result, scene) if guessed else 'given':13} "
                f"{100 * (error.scale - 1):+8.2f} {median_error_px(result):9.2f}",
                flush=True,
            )


def focal_text(result: PeopleCalibration, scene: Scene) -> str:
    """Return the largest error of a focal length, and the largest standard deviation, in per cent."""
    true = {camera.name: float(camera.px_from_cam[0, 0]) for camera in scene.cameras}
    found = [lens.values[0] for lens in result.adjusted.state.lenses]
    errors = [abs(one / true[name] - 1) for one, name in zip(found, result.rig.names, strict=True)]
    return f"{100 * max(errors):6.1f} ({100 * (result.deviations.focal_px / found).max():4.1f})"


def rigs(seed: int) -> dict[str, Rig | None]:
    """Return the rigs of a seed by name; None is the default one of the simulation."""
    generator = torch.Generator().manual_seed(seed)
    return {"studio": None, **{f"random {count}": random_rig(count, generator) for count in (2, 3, 4, 6)}}


def print_refined(seeds: int) -> None:
    """Print what a refinement makes of the true cameras, and of one camera that is turned by half a degree."""
    for seed in range(seeds):
        scene = make_scene(seed, studio_rig())
        sightings = seen_by_cameras(scene, 150, seed)
        turn = torch.from_numpy(Rotation.from_rotvec([0.0, np.radians(0.5), 0.0]).as_matrix())
        second = scene.cameras[1]
        turned = replace(second, rotation=turn @ second.rotation, translation=turn @ second.translation)
        for name, camera in (("true cameras", second), ("cam2 turned", turned)):
            rig = Rig((scene.cameras[0], camera, *scene.cameras[2:]))
            result = refine_rig(sightings, rig)
            off = [
                Rotation.from_matrix(rotation_of(a) @ rotation_of(b).T).magnitude()
                for a, b in zip(result.rig, scene.rig, strict=True)
            ]
            print(
                f"seed {seed}, {name:12}: held-out error {result.before_px:.2f} -> {result.after_px:.2f} px, "
                f"{'used' if result.is_better else 'not used'}; off by "
                f"{', '.join(f'{np.degrees(one):.2f}' for one in off)} degrees",
                flush=True,
            )


def print_capture(options: argparse.Namespace) -> None:
    """Print how the cameras of a real capture compare with its calibration."""
    detector = load_detector(options.detector, frame_offset=options.frame_offset)
    capture = Capture.open(options.capture, calibration=options.calibration)
    cameras = [camera for camera in capture.rig if isinstance(camera, Camera)]
    sightings = watch_people(capture, detector)
    name, _, length = (options.limb or "").rpartition("=")
    known = KnownLength(limb_mm=(name, float(length))) if name else KnownLength()
    for kind, lenses in (
        ("given lenses", [lens_of_camera(camera) for camera in cameras]),
        ("guessed lenses", [guessed_lens(camera.image_size) for camera in cameras]),
    ):
        result = calibrate_by_people(sightings, lenses, known=known)
        error, used = rig_error(result.rig, capture.rig, with_scale=True), result.adjusted.evidence.used
        errors, sigmas = result.adjusted.errors_px[used], result.adjusted.evidence.sigmas_px[used]
        print(
            f"{kind}: {100 * used.sum() / result.adjusted.body.shown.sum():.0f} % of detections, error median "
            f"{np.median(errors):.2f} px, mean {errors.mean():.2f} px, weighted mean "
            f"{(errors / sigmas**2).sum() / (1 / sigmas**2).sum():.2f} px; beside the calibration: places "
            f"{', '.join(f'{one:.0f}' for one in error.place_mm)} mm, directions "
            f"{', '.join(f'{one:.2f}' for one in error.angle_deg)} degrees, scale {error.scale:.4f}"
        )
        for joint, number in sorted(
            (float(np.nanmedian(np.where(used, result.adjusted.errors_px, np.nan)[..., n])), n)
            for n in range(used.shape[-1])
        ):
            print(f"    {sightings.skeleton.joints[number]:18} {joint:5.1f} px")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--guessed", action="store_true", help="guess and estimate focal lengths")
    parser.add_argument("--refined", action="store_true", help="refine given cameras instead")
    parser.add_argument("--capture", type=Path)
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--detector")
    parser.add_argument("--frame-offset", type=int, default=1)
    parser.add_argument("--limb")
    options = parser.parse_args()
    if options.capture:
        print_capture(options)
    elif options.refined:
        print_refined(options.seeds)
    else:
        print_simulated(options.seeds, guessed=options.guessed)


if __name__ == "__main__":
    main()
