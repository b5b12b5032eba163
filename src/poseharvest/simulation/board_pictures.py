"""Pictures of a board before known cameras: a textured plane with lens distortion, blur and noise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.arrays import Image, ImageSize
from poseharvest.boards.board import Board, Floats
from poseharvest.boards.rectangles import draw_board
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig
from poseharvest.simulation.camera_rigs import look_at

_OVERSAMPLING = 2  # samples a pixel along x and along y
_NODE_PX = 4  # pixels between the directions that are computed; between them they are interpolated
_ROOM_PX = 6
_PLATE_MM = 15.0  # light margin of the plate around the squares


@dataclass(frozen=True)
class PictureQuality:
    """What keeps a drawn picture from being perfect.

    Attributes:
        blur_px: standard deviation of the blur, pixels.
        noise: standard deviation of the noise, grey values of 255.
        contrast: difference of light and dark, 0 to 1.
    """

    blur_px: float = 0.6
    noise: float = 2.0
    contrast: float = 0.75


class BoardStage:
    """Draws a board before one camera.

    Args:
        board: the board, on a plate with a light margin.
        camera: a perspective camera.
        quality: of the pictures.
    """

    def __init__(self, board: Board, camera: Camera, quality: PictureQuality) -> None:
        self._board, self._camera, self._quality = board, camera, quality
        height, width = camera.image_size
        self._plane = _plane_of_samples(camera)
        rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
        self._background = (0.35 + 0.15 * np.sin(6 * rows + 1) * np.cos(5 * columns)).astype(np.float32)
        self._textures: dict[int, NDArray[np.float32]] = {}

    def draw(self, world_from_board: Floats, generator: np.random.Generator) -> Image:
        """Return the picture (H, W, 3) RGB of the board at a pose (4, 4), mm, before a grey room.

        A board that turns its back to the camera, or of which no corner lies before it, is not drawn.
        """
        light = self._background.copy()
        pose = _camera_matrix(self._camera) @ world_from_board
        if pose[:3, 2] @ pose[:3, 3] > 0:
            self._add_board(light, pose)
        blurred = cv2.GaussianBlur(light, (0, 0), self._quality.blur_px) if self._quality.blur_px > 0 else light
        noisy = 255 * blurred + self._quality.noise * generator.standard_normal(blurred.shape, dtype=np.float32)
        gray = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        return np.repeat(gray[..., None], 3, -1)

    def _window(self, pose: Floats) -> tuple[slice, slice] | None:
        """Return the rows and columns of the picture that the plate may cover."""
        steps = np.linspace(0, 1, 9)
        u, v = (axis.reshape(-1) for axis in np.meshgrid(steps, steps))
        low, high = -_PLATE_MM, np.array(self._board.size_mm) + _PLATE_MM
        plate = np.stack((low + u * (high[0] - low), low + v * (high[1] - low), 0 * u, 0 * u + 1))
        cam = (pose @ plate)[:3]
        if (cam[2] <= 1).any():
            return None
        upright = Camera(
            "", self._camera.image_size, self._camera.px_from_cam, torch.eye(3).double(), torch.zeros(3).double(),
            self._camera.distortion,
        )  # fmt: skip
        shown = upright.project(torch.from_numpy(cam.T.copy()))
        pixels = shown.pixels[shown.valid].numpy()
        if not len(pixels):
            return None
        height, width = self._camera.image_size
        first = np.floor(pixels.min(0) - _ROOM_PX).astype(int).clip(0)
        last = np.ceil(pixels.max(0) + _ROOM_PX).astype(int).clip(max=(width, height))
        is_inside = (last > first).all()
        return (slice(first[1], last[1]), slice(first[0], last[0])) if is_inside else None

    def _add_board(self, light: NDArray[np.float32], pose: Floats) -> None:
        window = self._window(pose)
        if window is None:
            return
        plane_from_board = pose[:3, (0, 1, 3)]  # of points (x, y, 1) of the plate
        fine = tuple(slice(_OVERSAMPLING * part.start, _OVERSAMPLING * part.stop) for part in window)
        inverse = np.linalg.inv(plane_from_board)
        homogeneous = self._plane[fine] @ inverse[:, :2].T + inverse[:, 2]
        is_behind = homogeneous[..., 2] <= 0  # 1 / depth, as the last row of the plate's points is 1
        places = homogeneous[..., :2] / np.where(is_behind, np.inf, homogeneous[..., 2])[..., None]
        middle = (self._board.size_mm[0] / 2, self._board.size_mm[1] / 2, 1)
        texture, px_per_mm = self._texture(
            _OVERSAMPLING * float(self._camera.px_from_cam[0, 0]) / float(plane_from_board[2] @ middle)
        )
        texels = ((places + _PLATE_MM) * px_per_mm - 0.5).astype(np.float32)
        texels[is_behind] = -1e6
        x, y = texels[..., 0], texels[..., 1]
        drawn = cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-1.0)
        behind = cv2.resize(light[window], drawn.shape[::-1], interpolation=cv2.INTER_NEAREST)
        shown = np.where(drawn >= 0, drawn, behind)
        light[window] = cv2.resize(shown, light[window].shape[::-1], interpolation=cv2.INTER_AREA)

    def _texture(self, px_per_mm: float) -> tuple[NDArray[np.float32], float]:
        """Return the plate with about the resolution asked for, and that resolution, pixels per mm."""
        fine = 8.0
        factor = max(1, round(fine / px_per_mm))
        if factor not in self._textures:
            drawn = draw_board(self._board, fine, _PLATE_MM)
            height, width = (side // factor * factor for side in drawn.shape)
            smaller = cv2.resize(
                drawn[:height, :width], (width // factor, height // factor), interpolation=cv2.INTER_AREA
            )
            shades = 0.5 + self._quality.contrast * (smaller / 255.0 - 0.5)
            self._textures[factor] = np.asarray(shades, dtype=np.float32)
        return self._textures[factor], fine / factor


def _plane_of_samples(camera: Camera) -> Floats:
    """Return (2H, 2W, 2) the undistorted x / z and y / z of samples, two a pixel along x and along y.

    They follow from the rays of the product's camera, while a calibration projects by OpenCV: two ways to one lens.
    """
    sides = []
    for side in camera.image_size:
        nodes = np.arange(-_NODE_PX, side + 2 * _NODE_PX, _NODE_PX, dtype=np.float64)
        samples = (np.arange(_OVERSAMPLING * side) + 0.5) / _OVERSAMPLING - 0.5
        sides.append((nodes, np.clip(1 - np.abs(samples[:, None] - nodes) / _NODE_PX, 0, None)))
    (rows, by_row), (columns, by_column) = sides
    pixels = torch.from_numpy(np.stack(np.meshgrid(columns, rows), -1))
    directions = camera.pixel_rays(pixels).direction @ camera.rotation.double().T
    plane = (directions[..., :2] / directions[..., 2:]).numpy()
    return np.stack([by_row @ plane[..., axis] @ by_column.T for axis in (0, 1)], -1)


def _camera_matrix(camera: Camera) -> Floats:
    """Return the (4, 4) cam_from_world of a camera, mm."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = camera.rotation.double().numpy(), camera.translation.double().numpy()
    return pose


def stages(board: Board, rig: Rig, quality: PictureQuality | None = None) -> tuple[BoardStage, ...]:
    """Return a stage for every perspective camera of a rig."""
    chosen = quality or PictureQuality()
    return tuple(BoardStage(board, camera, chosen) for camera in rig if isinstance(camera, Camera))


def moving_board(
    board: Board, num_moments: int, generator: np.random.Generator, cameras: Sequence[Camera], reach_mm: float = 450.0
) -> Floats:
    """Return (F, 4, 4) world_from_board of a board that somebody carries about before cameras and turns to them, mm.

    Args:
        board: the board.
        num_moments: number of poses F; from each to the next it moves and turns a little.
        generator: of random numbers.
        cameras: it is carried about 2.6 m before them, where they look, and turned to one after the other; z is up.
        reach_mm: how far from there it is carried, mm.
    """
    places = np.stack([camera.center.numpy() for camera in cameras])
    sights = np.stack([camera.rotation[2].numpy() for camera in cameras])
    middle = (places + 2600 * sights).mean(0)
    to_cameras = places - middle
    phases = generator.uniform(0, 2 * np.pi, 6)
    speeds = generator.uniform(0.6, 1.4, 6) * 2 * np.pi / 23
    waves = np.sin(phases + speeds * np.arange(num_moments)[:, None])
    shares = (1 - np.cos(np.pi * np.arange(num_moments) / 9)) / 2 * (len(cameras) - 1)
    poses = np.tile(np.eye(4), (num_moments, 1, 1))
    for pose, wave, share in zip(poses, waves, shares, strict=True):
        before = min(int(share), max(len(cameras) - 2, 0))
        after = min(before + 1, len(cameras) - 1)
        front = (1 - share + before) * to_cameras[before] + (share - before) * to_cameras[after]
        # The board's z goes into it: upright, with its front to a camera or between two, then leaned and rolled.
        into = -np.array((front[0], front[1], 0.0)) / np.hypot(front[0], front[1])
        right = np.cross(into, (0.0, 0.0, 1.0))
        upright = np.stack((right, np.cross(into, right), into), 1)
        lean = cv2.Rodrigues(np.array((0.25 + 0.45 * wave[0], 0.35 * wave[1], 0.4 * wave[2])))[0]
        pose[:3, :3] = upright @ lean
        pose[:3, 3] = middle + reach_mm * wave[3:] - pose[:3, :2] @ np.array(board.size_mm) / 2
    return poses


def near_board(board: Board, camera: Camera, num_moments: int, generator: np.random.Generator) -> Floats:
    """Return (F, 4, 4) world_from_board of a board held near one camera, in all parts of its picture, tilted, mm."""
    poses = np.tile(np.eye(4), (num_moments, 1, 1))
    height, width = camera.image_size
    focal = float(camera.px_from_cam[0, 0])
    for number, pose in enumerate(poses):
        column, row = (number % 3 - 1, number // 3 % 3 - 1)
        depth = focal * board.size_mm[1] / (height * generator.uniform(0.45, 0.65))
        sides = np.array((0.27 * width * column, 0.24 * height * row)) * depth / focal
        axis = generator.uniform(-1, 1, 2)
        tilt = generator.uniform(0.35, 0.75) * axis / np.linalg.norm(axis)
        pose[:3, :3] = cv2.Rodrigues(np.array((*tilt, generator.uniform(-0.2, 0.2))))[0]
        pose[:3, 3] = np.array((*sides, depth)) - pose[:3, :2] @ np.array(board.size_mm) / 2
    return np.asarray(np.linalg.inv(_camera_matrix(camera)) @ poses, dtype=np.float64)


def room_rig(
    num_views: int,
    generator: np.random.Generator,
    *,
    image_size: ImageSize = (720, 1280),
    fisheyes: Collection[int] = (),
) -> Rig:
    """Return cameras about a small room, 2.4 to 3.2 m from its middle and 1.6 to 2.4 m high, 60 degrees wide.

    They stand on three quarters of a circle at most, 50 degrees or less from one to the next. Each has its own lens.

    Args:
        num_views: number of cameras.
        generator: of random numbers.
        image_size: (height, width) of the pictures.
        fisheyes: numbers of the cameras whose lenses are fisheyes, 130 degrees wide.
    """
    height, width = image_size
    step = min(270 / num_views, 50)
    cameras = []
    for number in range(num_views):
        u = generator.uniform(-1, 1, 9)
        azimuth = np.radians(step * number + 6 * u[0])
        flat = 2800 + 400 * u[1]
        center = torch.tensor((flat * np.cos(azimuth), flat * np.sin(azimuth), 2000 + 400 * u[2]), dtype=torch.float64)
        rotation = look_at(center, torch.tensor((100 * u[3], 100 * u[4], 700.0), dtype=torch.float64))
        is_fisheye = number in fisheyes
        focal = (0.44 if is_fisheye else 0.87) * width * (1 + 0.1 * u[5])
        middle = (width / 2 - 0.5 + 0.01 * width * u[6], height / 2 - 0.5 + 0.01 * width * u[7])
        matrix = torch.tensor(((focal, 0, middle[0]), (0, focal, middle[1]), (0, 0, 1)), dtype=torch.float64)
        lens = (
            Distortion("fisheye", (0.02 + 0.03 * u[8], -0.01 + 0.01 * u[0], 0.004 * u[1], 0.001 * u[2]))
            if is_fisheye
            else Distortion("brown_conrady", (-0.12 + 0.08 * u[8], 0.06 + 0.04 * u[0], 0.0005 * u[1], 0.0005 * u[2]))
        )
        cameras.append(Camera(f"cam{number + 1}", image_size, matrix, rotation, -rotation @ center, lens))
    return Rig(tuple(cameras))


def film_plan(
    board: Board, rig: Rig, generator: np.random.Generator, *, num_near: int = 18, num_common: int = 80
) -> Floats:
    """Return (F, 4, 4) world_from_board of a session as docs/calibrate.md asks for, mm.

    First the board lies on the floor, then it is held near each camera in turn, then carried about where they look.
    """
    cameras = [camera for camera in rig if isinstance(camera, Camera)]
    near = [near_board(board, camera, num_near, generator) for camera in cameras]
    common = moving_board(board, num_common, generator, cameras)
    return np.concatenate([lying_board(board)[None], *near, common])


def lying_board(board: Board, x_mm: float = 0.0, y_mm: float = 0.0) -> Floats:
    """Return the (4, 4) world_from_board of a board on the floor, its printed side up, its corner at (x, y), mm."""
    pose = np.diag((1.0, -1.0, -1.0, 1.0))
    pose[:2, 3] = x_mm, y_mm
    return pose
