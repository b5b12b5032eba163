"""Human3.6M in miniature, in each of its layouts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
from scipy.spatial.transform import Rotation

from dataset_kits.scene import Miniature, Recording, joints, one_person, picture, write_picture, write_video
from poseharvest.calibration.h36m import write_h36m
from poseharvest.datasets.human36m.names_and_joints import AUTHORS_JOINTS, CAMERAS
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.simulation.camera_rigs import studio_rig
from poseharvest.skeleton.definitions import H36M17

TAKES = (("S9", "Posing 1", "Posing"), ("S11", "TakingPhoto", "Photo"))

# the original's own names of its 32 rows; the same joint may come twice, and "Site" is the end of a chain
ORIGINAL_ROWS = [
    "Hips",
    "RightUpLeg",
    "RightLeg",
    "RightFoot",
    "RightToeBase",
    "Site",
    "LeftUpLeg",
    "LeftLeg",
    "LeftFoot",
    "LeftToeBase",
    "Site",
    "Spine",
    "Spine1",
    "Neck",
    "Head",
    "Site",
    "LeftShoulder",
    "LeftArm",
    "LeftForeArm",
    "LeftHand",
    "LeftHandThumb",
    "Site",
    "L_Wrist_End",
    "Site",
    "RightShoulder",
    "RightArm",
    "RightForeArm",
    "RightHand",
    "RightHandThumb",
    "Site",
    "R_Wrist_End",
    "Site",
]
ORIGINAL_NAMES = [
    "Hips",
    "RightUpLeg",
    "RightLeg",
    "RightFoot",
    "LeftUpLeg",
    "LeftLeg",
    "LeftFoot",
    "Spine1",
    "Neck",
    "Head",
    "Site",
    "LeftArm",
    "LeftForeArm",
    "LeftHand",
    "RightArm",
    "RightForeArm",
    "RightHand",
]
"""For every joint of `h36m17`, what the original calls it; the head's top is the "Site" after "Head"."""


def rig() -> Rig:
    return Rig(tuple(replace(camera, name=name) for camera, name in zip(studio_rig(), CAMERAS, strict=True)))


def rows32(poses: np.ndarray) -> np.ndarray:
    """(F, 17, 3) among the 32 rows of the original, the others filled with nonsense."""
    full = np.full((len(poses), 32, 3), -4321.0)
    rows = [ORIGINAL_ROWS.index(name) if name != "Site" else ORIGINAL_ROWS.index("Head") + 1 for name in ORIGINAL_NAMES]
    full[:, rows] = poses
    return full


def in_camera(camera: Camera, poses: np.ndarray) -> np.ndarray:
    return poses @ camera.rotation.numpy().T + camera.translation.numpy()


def write_cdf(path: Path, poses: np.ndarray) -> None:
    from cdflib import cdfwrite

    path.parent.mkdir(parents=True, exist_ok=True)
    values = poses.reshape(1, len(poses), -1).astype("f4")
    cdf = cdfwrite.CDF(str(path))
    spec = {
        "Variable": "Pose",
        "Data_Type": 44,
        "Num_Elements": 1,
        "Rec_Vary": True,
        "Var_Type": "zVariable",
        "Dim_Sizes": list(values.shape[1:]),
        "Dim_Vary": [True, True],
    }
    cdf.write_var(spec, var_data=values)
    cdf.close()


def write_json_cameras(root: Path, subjects: tuple[str, ...] = ("S9", "S11")) -> None:
    """The JSON of cameras; subjects share them."""
    import json

    root.mkdir(parents=True, exist_ok=True)
    path = root / "camera-parameters.json"
    write_h36m(rig(), path, subject="S9")
    document = json.loads(path.read_text())
    document["extrinsics"] = {subject: document["extrinsics"]["S9"] for subject in subjects}
    path.write_text(json.dumps(document))


def write_metadata(root: Path) -> None:
    """The official software's file: angles of R = Rx Ry Rz, centres, then f c k p; scipy makes the angles."""
    extrinsics = [
        [*Rotation.from_matrix(camera.rotation.numpy()).as_euler("XYZ"), *camera.center.tolist()]
        for camera in rig()
        for _ in range(11)
    ]
    intrinsics = []
    for camera in rig():
        k1, k2, p1, p2, k3 = camera.distortion.coefficients
        k = camera.px_from_cam.numpy()
        intrinsics.append([k[0, 0], k[1, 1], k[0, 2], k[1, 2], k1, k2, k3, p1, p2])
    numbers = " ".join(repr(float(x)) for row in [*extrinsics, *intrinsics] for x in row)
    ids = "".join(f"<id>{camera}</id>" for camera in CAMERAS)
    text = f"<db><dbcameras><index2id>{ids}</index2id></dbcameras><w0>[{numbers}]</w0></db>"
    (root / "metadata.xml").write_text(text)


def recordings(numbers: tuple[int, ...], takes: tuple[tuple[str, str, str], ...] = TAKES) -> dict[str, Recording]:
    return {
        f"{subject}/{take}": Recording(subject, action, CAMERAS, numbers, one_person(H36M17, numbers, subject))
        for subject, take, action in takes
    }


def official(root: Path, *, cameras: str = "json", num_extra: int = 1, takes=TAKES) -> Miniature:
    """Videos run on for `num_extra` pictures after the poses."""
    held = recordings((1, 2, 3), takes)
    for name in held:
        subject, take = name.split("/")
        write_cdf(root / subject / "MyPoseFeatures" / "D3_Positions" / f"{take}.cdf", rows32(joints(H36M17, range(3))))
        poses = joints(H36M17, range(3 + num_extra))
        for camera in rig():
            images = [picture(camera, H36M17, pose) for pose in poses]
            write_video(root / subject / "Videos" / f"{take}.{camera.name}.mp4", images, 50)
    write_cdf(root / "S9" / "MyPoseFeatures" / "D3_Positions" / "_ALL 1.cdf", rows32(joints(H36M17, range(3))))
    write_json_cameras(root) if cameras == "json" else write_metadata(root)
    return Miniature("human36m", root, held)


def official_with_metadata(root: Path) -> Miniature:
    return official(root, cameras="xml", num_extra=0, takes=TAKES[:1])


def videopose3d(root: Path) -> Miniature:
    write_json_cameras(root)
    held = recordings((1, 2, 3), (("S9", "Posing 1", "Posing"), ("S9", "Photo", "Photo")))
    poses = (rows32(joints(H36M17, range(3))) / 1000).astype("f4")
    np.savez_compressed(root / "data_3d_h36m.npz", positions_3d={"S9": {"Posing 1": poses, "Photo": poses}})
    return Miniature("human36m", root, held, has_pictures=False)


def fetch(root: Path) -> Miniature:
    write_json_cameras(root)
    numbers = (1, 6, 11)
    held = recordings(numbers, (("S9", "Posing-1", "Posing"),))
    poses = joints(H36M17, range(len(numbers)))
    for name in held:
        folder = root / name
        folder.mkdir(parents=True)
        with h5py.File(folder / "annot.h5", "w") as file:
            file["pose/3d"] = np.concatenate([in_camera(camera, rows32(poses)) for camera in rig()])
            file["camera"] = np.repeat([int(camera) for camera in CAMERAS], len(numbers))
            file["frame"] = np.tile(numbers, len(CAMERAS))
        for camera in rig():
            for number, pose in zip(numbers, poses, strict=True):
                path = folder / "imageSequence" / camera.name / f"img_{number:06d}.jpg"
                write_picture(path, picture(camera, H36M17, pose))
    return Miniature("human36m", root, held)


def authors(root: Path) -> Miniature:
    write_json_cameras(root)
    numbers = (1, 6, 11)
    held = recordings(numbers, (("S9", "Posing_1", "Posing"),))
    poses = joints(H36M17, range(len(numbers)))
    order = [H36M17.index(joint) for joint in AUTHORS_JOINTS]
    names, rows = [], []
    for camera in rig():
        for number, pose in zip(numbers, poses, strict=True):
            names.append(f"S9_Posing_1.{camera.name}_{number:06d}.jpg")
            rows.append(in_camera(camera, pose)[order])
            write_picture(root / "images" / names[-1], picture(camera, H36M17, pose))
    (root / "annot").mkdir(exist_ok=True)
    (root / "annot" / "valid_images.txt").write_text("\n".join(names) + "\n")
    with h5py.File(root / "annot" / "valid.h5", "w") as file:
        file["S"] = np.stack(rows)
    return Miniature("human36m", root, held)
