"""The lens of one camera: its numbers, which of them are estimated, and a first guess from its own pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.arrays import ImageSize
from poseharvest.boards.board import Board, Floats
from poseharvest.boards.detection import Corners
from poseharvest.errors import CalibrationError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.rig_calibration.options import LensModel

FEW_PICTURES = 8
"""With fewer pictures, "auto" estimates k1 alone, and a first guess leaves the principal point in the middle."""

_FULL_PICTURES, _FULL_COVERED = 20, 0.5  # of the cells of a picture: from here on, "auto" estimates all numbers
_CELLS = (6, 8)

_GUESS_PICTURES = 30
_ROUNDS = 3
_GUESS_ERRORS = 3.0  # times the median error: a picture with more is left out of the first guess
_FISHEYE_NAMES = ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4")
_NAMES = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3")
_FREE: dict[str, tuple[tuple[str, ...], ...]] = {
    "fixed": (),
    "focal": (("fx", "fy"),),
    "k1": (("fx", "fy"), ("cx",), ("cy",), ("k1",)),
    "radial": (("fx", "fy"), ("cx",), ("cy",), ("k1",), ("k2",)),
    "full": tuple((name,) for name in _NAMES),
    "fisheye": tuple((name,) for name in _FISHEYE_NAMES),
}
_SPREADS = {"k1": 0.3, "k2": 0.3, "p1": 0.005, "p2": 0.005, "k3": 0.3}
_FISHEYE_SPREADS = {"k1": 0.2, "k2": 0.1, "k3": 0.1, "k4": 0.1}
_FOCAL_SPREAD, _CENTER_SPREAD = 0.5, 0.05  # of the focal length; of the longer side


@dataclass(frozen=True, eq=False)
class Lens:
    """The intrinsics of a camera while they are estimated.

    Attributes:
        image_size: (height, width) of its pictures, pixels.
        values: (4 + D,) fx, fy, cx, cy and the coefficients of the distortion in OpenCV's order.
        model: what is estimated: "fixed", "focal" (one focal length alone), "k1", "radial", "full" or "fisheye".
        is_fisheye: the coefficients are those of a fisheye, k1 k2 k3 k4, and not of Brown-Conrady's model.
    """

    image_size: ImageSize
    values: Floats
    model: str
    is_fisheye: bool = False

    @property
    def matrix(self) -> Floats:
        """(3, 3) intrinsic matrix."""
        fx, fy, cx, cy = self.values[:4]
        return np.array(((fx, 0, cx), (0, fy, cy), (0, 0, 1.0)))

    @property
    def coefficients(self) -> Floats:
        """(D,) coefficients of the distortion."""
        return self.values[4:]

    @property
    def directions(self) -> Floats:
        """(4 + D, P) by how much each number changes with each estimated one."""
        columns = np.zeros((len(self.values), len(_FREE[self.model])))
        known = _FISHEYE_NAMES if self.is_fisheye else _NAMES
        for column, names in enumerate(_FREE[self.model]):
            for name in names:
                columns[known.index(name), column] = 1
        return columns

    @property
    def spreads(self) -> Floats:
        """(P,) how far the estimated numbers may lie from what is usual: one standard deviation, generously."""
        longer = max(self.image_size)
        sizes = {
            "fx": _FOCAL_SPREAD * self.values[0],
            "fy": _FOCAL_SPREAD * self.values[1],
            "cx": _CENTER_SPREAD * longer,
            "cy": _CENTER_SPREAD * longer,
        }
        spreads = _FISHEYE_SPREADS if self.is_fisheye else _SPREADS
        return np.array([{**sizes, **spreads}[names[0]] for names in _FREE[self.model]])

    @property
    def usual(self) -> Floats:
        """(P,) what is usual: this focal length, the middle of the picture, and no distortion."""
        height, width = self.image_size
        usual = {"fx": self.values[0], "fy": self.values[1], "cx": (width - 1) / 2, "cy": (height - 1) / 2}
        return np.array([usual.get(names[0], 0.0) for names in _FREE[self.model]])

    def moved(self, steps: Floats) -> Lens:
        """Return the lens with its estimated numbers (P,) changed by `steps`."""
        return replace(self, values=self.values + self.directions @ steps)

    def project(self, points: Floats, vector: NDArray[Any], translation: NDArray[Any]) -> tuple[Floats, Floats]:
        """Return the (N, 2) pixels of points (N, 3), and their (2N, 6 + 4 + D) derivatives, by OpenCV.

        Args:
            points: in any frame, mm.
            vector: (3,) Rodrigues vector from that frame to the camera's.
            translation: (3,) of the same, mm.

        The derivatives are by vector, translation, and the numbers of the lens in their order.
        """
        if not self.is_fisheye:
            pixels, slopes = cv2.projectPoints(points, vector, translation, self.matrix, self.coefficients)
            columns = slopes[:, : 6 + len(self.values)]
        else:
            spots = np.asarray(points, dtype=np.float64).reshape(-1, 1, 3)
            pixels, slopes = cv2.fisheye.projectPoints(spots, vector, translation, self.matrix, self.coefficients)
            columns = slopes[:, [*range(8, 14), *range(8)]]  # OpenCV's order here: the lens, then the pose
        return np.asarray(pixels.reshape(-1, 2), dtype=np.float64), np.asarray(columns, dtype=np.float64)

    def normalized(self, pixels: Floats) -> Floats:
        """Return the (N, 2) undistorted points x / z, y / z of pixels (N, 2)."""
        undistort = cv2.fisheye.undistortPoints if self.is_fisheye else cv2.undistortPoints
        undistorted = undistort(pixels.reshape(-1, 1, 2), self.matrix, self.coefficients)
        return np.asarray(undistorted.reshape(-1, 2), dtype=np.float64)

    def camera(self, name: str, cam_from_world: Floats) -> Camera:
        """Return the camera with this lens, its name, and its (4, 4) pose, mm."""
        coefficients = tuple(map(float, self.coefficients))
        u, _, vt = np.linalg.svd(cam_from_world[:3, :3])  # rounding errors of the products before
        return Camera(
            name,
            self.image_size,
            torch.from_numpy(self.matrix),
            torch.from_numpy(u @ vt),
            torch.from_numpy(cam_from_world[:3, 3].copy()),
            self._distortion(coefficients),
        )

    def _distortion(self, coefficients: tuple[float, ...]) -> Distortion:
        if self.is_fisheye:
            return Distortion("fisheye", coefficients)  # without coefficients it is not a lens without distortion
        return Distortion("brown_conrady", coefficients) if any(coefficients) else Distortion()


def lens_of_camera(camera: Camera) -> Lens:
    """Return the given lens of a calibrated camera, which is not estimated.

    Raises:
        CalibrationError: its pixels are skewed.
    """
    matrix = camera.px_from_cam.double().numpy()
    if matrix[0, 1] != 0 or matrix[1, 0] != 0:
        raise CalibrationError(f'intrinsics: camera "{camera.name}": expected pixels without skew, got skewed ones')
    coefficients = camera.distortion.coefficients or (0.0,) * 5
    values = np.array((matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *coefficients))
    return Lens(camera.image_size, values, "fixed", is_fisheye=camera.distortion.model == "fisheye")


def guess_lens(board: Board, pictures: Sequence[Corners], image_size: ImageSize, model: LensModel) -> Lens:
    """Return a first guess of a lens from the pictures of one camera, by Zhang's method in OpenCV.

    Pictures with errors of more than three times the median are left out of it. Where the pictures say nothing of the
    focal length, it is 0.9 of the longer side; the adjustment then finds its standard deviation to be large.
    """
    chosen = _chosen(pictures, image_size) if model == "auto" else model
    height, width = image_size
    usual = np.array((0.9 * max(image_size),) * 2 + ((width - 1) / 2, (height - 1) / 2) + (0.0,) * 5)
    step = -(-len(pictures) // _GUESS_PICTURES) if pictures else 1
    used = list(pictures[::step])
    values = usual
    for _ in range(_ROUNDS):
        if len(used) < 3:
            break
        values, errors = _zhang(board, used, image_size)
        kept = [one for one, error in zip(used, errors, strict=True) if error <= _GUESS_ERRORS * np.median(errors)]
        if len(kept) == len(used):
            break
        used = kept
    is_possible = np.isfinite(values).all() and 0.2 < values[0] / max(image_size) < 10
    return Lens(image_size, values if is_possible else usual, chosen)


def _chosen(pictures: Sequence[Corners], image_size: ImageSize) -> str:
    """Return what "auto" estimates: the more, the more pictures there are and the more of the view they cover."""
    if len(pictures) < FEW_PICTURES:
        return "k1"
    cells = coverage(pictures, image_size)
    return "full" if len(pictures) >= _FULL_PICTURES and (cells > 0).mean() >= _FULL_COVERED else "radial"


def coverage(pictures: Sequence[Corners], image_size: ImageSize) -> NDArray[np.int64]:
    """Return (6, 8) how many corners lie in each cell of the view of a camera."""
    x, y = (np.concatenate([np.zeros((0, 2)), *(one.pixels for one in pictures)]) + 0.5).T
    edges = [np.linspace(0, side, number + 1) for side, number in zip(image_size, _CELLS, strict=True)]
    return np.asarray(np.histogram2d(y, x, bins=edges)[0], dtype=np.int64)


def _zhang(board: Board, pictures: Sequence[Corners], image_size: ImageSize) -> tuple[Floats, Floats]:
    """Return the (9,) numbers of a lens with k1 alone, and the (N,) errors of the pictures, pixels."""
    flags = cv2.CALIB_FIX_ASPECT_RATIO | cv2.CALIB_ZERO_TANGENT_DIST | cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3
    if len(pictures) < FEW_PICTURES:
        flags |= cv2.CALIB_FIX_PRINCIPAL_POINT
    points = [board.corner_points[one.ids].astype(np.float32) for one in pictures]
    pixels = [one.pixels.astype(np.float32) for one in pictures]
    try:
        result = cv2.calibrateCameraExtended(points, pixels, image_size[::-1], np.eye(3), np.zeros(5), flags=flags)
    except cv2.error:  # the pictures are too flat for a focal length
        return np.full(9, np.nan), np.zeros(len(pictures))
    _, matrix, coefficients, _, _, _, _, errors = result
    values = np.array((matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *coefficients.reshape(-1)[:5]))
    return values, np.asarray(errors, dtype=np.float64).reshape(-1)
