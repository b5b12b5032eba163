"""Calibrations in the published layouts of tools that we only read, written from a rig."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig

HALF_TURN = np.diag([1.0, -1.0, -1.0])


def cameras_of(rig: Rig) -> list[Camera]:
    return [camera for camera in rig.at(0) if isinstance(camera, Camera)]


def lens_of(camera: Camera, count: int = 5) -> list[float]:
    """k1, k2, p1, p2, k3, ... of a camera, filled up with zeros."""
    return [*camera.distortion.coefficients, *[0.0] * count][:count]


def spaced(values: object) -> str:
    return " ".join(repr(float(value)) for value in np.asarray(values).reshape(-1))


def plant_vicon(rig: Rig, folder: Path) -> list[Path]:
    """One focal length, no tangential distortion: the format has no more."""
    lines = []
    for camera in cameras_of(rig):
        k, (k1, k2, _, _, k3) = camera.px_from_cam.tolist(), lens_of(camera)
        lines.append(
            f'<Camera DEVICEID="{camera.name}" SYSTEM="Vicon" TYPE="VideoInput" DISPLAY_TYPE="Vue" USERID="1" '
            f'PIXEL_ASPECT_RATIO="{k[0][0] / k[1][1]!r}" SENSOR_SIZE="{camera.image_size[1]} {camera.image_size[0]}">'
            f'<KeyFrames><KeyFrame FRAME="0" FOCAL_LENGTH="{k[0][0]!r}" PRINCIPAL_POINT="{spaced([k[0][2], k[1][2]])}" '
            f'ORIENTATION="{spaced(Rotation.from_matrix(camera.rotation.numpy()).as_quat())}" '
            f'POSITION="{spaced(camera.center)}" IMAGE_ERROR="0.1" WORLD_ERROR="0.3" '
            f'VICON_RADIAL2="ViconRadial2 {spaced([k[0][2], k[1][2]])} {spaced([k1, k2, k3])}"/></KeyFrames></Camera>'
        )
    path = folder / "trial.xcp"
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<Cameras VERSION="1.1">{"".join(lines)}</Cameras>\n')
    return [path]


def plant_optitrack(rig: Rig, folder: Path) -> list[Path]:
    """UTF-16, as Motive writes it."""
    lines = []
    for number, camera in enumerate(cameras_of(rig)):
        k, lens = camera.px_from_cam.tolist(), lens_of(camera)
        turn = (HALF_TURN @ camera.rotation.numpy()).T.reshape(-1)
        matrix = " ".join(f'OrientMatrix{index}="{float(value)!r}"' for index, value in enumerate(turn))
        place = " ".join(f'{axis}="{float(value) / 1000!r}"' for axis, value in zip("XYZ", camera.center, strict=True))
        intrinsics = (
            f'LensCenterX="{k[0][2]!r}" LensCenterY="{k[1][2]!r}" HorizontalFocalLength="{k[0][0]!r}" '
            f'VerticalFocalLength="{k[1][1]!r}" '
        )
        lines.append(
            f'<Camera Serial="{camera.name}"><Properties CameraID="{number}" Enabled="1"/>'
            f'<Attributes ImagerPixelWidth="{camera.image_size[1]}" ImagerPixelHeight="{camera.image_size[0]}"/>'
            f'<Intrinsic {intrinsics} k1="9" k2="9" k3="9" TangentialX="9" TangentialY="9"/>'
            f'<IntrinsicStandardCameraModel {intrinsics} k1="{lens[0]!r}" k2="{lens[1]!r}" k3="{lens[4]!r}" '
            f'TangentialX="{lens[2]!r}" TangentialY="{lens[3]!r}"/><Extrinsic {place} {matrix}/></Camera>'
        )
    text = (
        '<?xml version="1.0" encoding="UTF-16LE"?>\n<calibrationProfile version="1"><Calibration>'
        f'<Cameras Count="{len(lines)}">{"".join(lines)}</Cameras></Calibration></calibrationProfile>\n'
    )
    path = folder / "session.mcal"
    path.write_bytes(text.encode("utf-16-le"))
    return [path]


def plant_calib_io(rig: Rig, folder: Path) -> list[Path]:
    names = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "s1", "s2", "s3", "s4", "tauX", "tauY")
    cameras = []
    for camera in cameras_of(rig):
        k, lens = camera.px_from_cam.tolist(), lens_of(camera, 14)
        turn = cv2.Rodrigues(camera.rotation.numpy())[0].reshape(-1).tolist()
        numbers = {
            "f": k[0][0],
            "ar": k[1][1] / k[0][0],
            "cx": k[0][2],
            "cy": k[1][2],
            **dict(zip(names, lens, strict=True)),
        }
        size = {"imageSize": {"width": camera.image_size[1], "height": camera.image_size[0]}}
        cameras.append({
            "model": {
                "polymorphic_id": 1,
                "polymorphic_name": "libCalib::CameraModelOpenCV",
                "ptr_wrapper": {
                    "valid": 1,
                    "data": {
                        "CameraModelCRT": {"CameraModelBase": size},
                        "parameters": {key: {"val": float(value), "state": 2} for key, value in numbers.items()},
                    },
                },
            },
            "serial": camera.name,
            "transform": {
                "rotation": dict(zip(("rx", "ry", "rz"), turn, strict=True)),
                "translation": dict(zip("xyz", (camera.translation / 1000).tolist(), strict=True)),
            },
        })
    path = folder / "calibrated.json"
    path.write_text(json.dumps({"Calibration": {"cameras": cameras, "poses": [], "targets": []}}))
    return [path]


def plant_colmap(rig: Rig, folder: Path) -> list[Path]:
    """Cameras of the model FULL_OPENCV (k1 k2 p1 p2 k3 k4 k5 k6), or OPENCV_FISHEYE."""
    cameras, images = ["# Camera list with one line of data per camera:"], ["# Image list with two lines per image:"]
    for number, camera in enumerate(cameras_of(rig), 1):
        k = camera.px_from_cam.tolist()
        fisheye = camera.distortion.model == "fisheye"
        center = k[0][2] + 0.5, k[1][2] + 0.5  # the middle of the top-left pixel is (0.5, 0.5)
        numbers = [k[0][0], k[1][1], *center, *lens_of(camera, 4 if fisheye else 8)]
        model = "OPENCV_FISHEYE" if fisheye else "FULL_OPENCV"
        cameras.append(f"{number} {model} {camera.image_size[1]} {camera.image_size[0]} {spaced(numbers)}")
        x, y, z, w = Rotation.from_matrix(camera.rotation.numpy()).as_quat()
        pose = spaced([w, x, y, z, *(camera.translation.numpy() / 1000)])
        images += [f"{number} {pose} {number} {camera.name}.jpg", "10.5 20.5 -1" if number == 2 else ""]
    paths = [folder / "cameras.txt", folder / "images.txt"]
    for path, lines in zip(paths, (cameras, images), strict=True):
        path.write_text("\n".join(lines) + "\n")
    return paths


def plant_biocv(rig: Rig, folder: Path) -> list[Path]:
    paths = []
    for camera in cameras_of(rig):
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = camera.rotation.numpy(), camera.translation.numpy()
        rows = [spaced(row) for row in camera.px_from_cam.numpy()], [spaced(row) for row in pose]
        size = [str(camera.image_size[1]), str(camera.image_size[0])]
        paths.append(folder / f"{camera.name}.mp4.calib")
        paths[-1].write_text("\n".join([*size, *rows[0], "", *rows[1], "", spaced(lens_of(camera)), ""]))
    return paths


def plant_opencap(rig: Rig, folder: Path) -> list[Path]:
    paths = []
    for camera in cameras_of(rig):
        content = {
            "distortion": np.array([lens_of(camera)]),
            "intrinsicMat": camera.px_from_cam.numpy(),
            "imageSize": np.array([[camera.image_size[0]], [camera.image_size[1]]]),
            "rotation": camera.rotation.numpy(),
            "translation": camera.translation.numpy().reshape(3, 1),
            "rotation_EulerAngles": cv2.Rodrigues(camera.rotation.numpy())[0],
        }
        paths.append(folder / "Videos" / camera.name / "cameraIntrinsicsExtrinsics.pickle")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_bytes(pickle.dumps(content, protocol=3))
    return paths


PLANTERS: Mapping[str, Callable[[Rig, Path], list[Path]]] = MappingProxyType({
    "vicon": plant_vicon,
    "optitrack": plant_optitrack,
    "calib_io": plant_calib_io,
    "colmap": plant_colmap,
    "biocv": plant_biocv,
    "opencap": plant_opencap,
})
"""Each writes a calibration into a folder and returns its files."""
