"""Single pictures for training: one person, cropped, with the joints in pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from poseharvest.arrays import Image
from poseharvest.errors import ConfigError
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.simulation.camera_rigs import look_at
from poseharvest.skeleton.definitions import MPII16
from poseharvest.studio.actions import action_by_name
from poseharvest.studio.body_shapes import draw_shape
from poseharvest.studio.casting import make_view
from poseharvest.studio.figure import Dressed
from poseharvest.studio.kinematics import POINTS, Floats
from poseharvest.studio.performance import Performer
from poseharvest.studio.quality import develop, draw_quality, exposed
from poseharvest.studio.render import Backdrop, draw_backdrop, draw_person
from poseharvest.studio.room import Plot, draw_room
from poseharvest.studio.visibility import visible_joints
from poseharvest.studio.wardrobe import Outfit, draw_outfit, pick
from poseharvest.studio.worlds import World, world_by_name

_ZOOM = 2  # the person is drawn this much finer than the picture
_FRAME_PX = 1000  # size of the imagined picture from which the window is cut
_CROP_SCALE = (1.12, 1.6)
_DISTANCE_MM = (2600.0, 6500.0)
_HEIGHT_MM = (500.0, 2600.0)
_DURATION_S = 30.0
_QUALITY_SIDE = 2.0  # blur is set for a picture of which the crop shows half
_MOST_MARGIN = 4.0
_ON_THE_FLOOR = ("left_toe", "right_toe", "left_ankle", "right_ankle", "left_knee", "right_knee", "pelvis")


@dataclass(frozen=True, eq=False)
class StudioPicture:
    """A picture of one person, with the truth.

    Attributes:
        image: (H, W, 3) RGB.
        joints: (16, 2) x, y of MPII's joints, pixels of the picture; they may lie outside.
        visible: (16,) bool: in the picture and not hidden.
        positions: (16, 3) the joints in the world, mm.
        camera: the pinhole camera of the picture.
        world: the name of its world.
        action: what the person does.
    """

    image: Image
    joints: Tensor
    visible: Tensor
    positions: Tensor
    camera: Camera
    world: str
    action: str


def sample(
    world: str | World, seed: int, index: int = 0, *, size: int = 128, margin: float = 1.0, device: str = "cpu"
) -> StudioPicture:
    """Return picture number `index` of `studio_pictures`, without drawing the others.

    Args:
        world: "generic", "target" or a world of your own.
        seed: seed of the series.
        index: number of the picture, from 0.
        size: side of the picture, pixels.
        margin: factor on the picture's side for surroundings of the same room, rounded up to whole pixels on every
            side. Training rotates and scales the middle of the larger picture.
        device: where it is drawn. Another kind of device may round a pixel differently.

    Raises:
        ConfigError: there is no such world, the size is below 16, or the margin below 1.
    """
    setting = _setting(world, seed, index, (size, margin), device)
    drawing = draw_person(setting.backdrop, setting.person, setting.points, zoom=_ZOOM)
    colors = torch.nn.functional.avg_pool2d(drawing.colors, _ZOOM)
    joints = torch.from_numpy(setting.points[: len(MPII16)])
    return StudioPicture(
        image=setting.developed(colors),
        joints=setting.backdrop.view.camera.project(joints).pixels,
        visible=visible_joints(drawing.camera, drawing.depth, joints, setting.person.shape),
        positions=joints,
        camera=setting.backdrop.view.camera,
        world=setting.world.name,
        action=setting.action,
    )


def empty_room(
    world: str | World, seed: int, index: int = 0, *, size: int = 128, margin: float = 1.0, device: str = "cpu"
) -> Image:
    """Return the (H, W, 3) picture of `sample` without the person.

    Args:
        world: as for `sample`.
        seed: seed of the series.
        index: number of the picture, from 0.
        size: side of the window around the person's place, pixels.
        margin: factor on that side for the picture.
        device: where it is drawn.

    Raises:
        ConfigError: as for `sample`.
    """
    setting = _setting(world, seed, index, (size, margin), device)
    height, width = setting.backdrop.view.camera.image_size
    return setting.developed(setting.backdrop.colors.reshape(3, height, width))


@dataclass(frozen=True, eq=False)
class _Setting:
    """Everything of a picture before the person is drawn."""

    world: World
    person: Dressed
    points: Floats
    action: str
    backdrop: Backdrop
    size: int
    rng: np.random.Generator

    def developed(self, colors: Tensor) -> Image:
        """Return the picture that the camera makes of (3, H, W); to be called once, as it draws from `rng`."""
        pixels = colors.cpu().numpy()
        quality = draw_quality(self.world.quality, _QUALITY_SIDE * self.size, self.rng)
        return develop(exposed(pixels) * pixels, quality, self.rng)


def _setting(world: str | World, seed: int, index: int, extent: tuple[int, float], device: str) -> _Setting:
    chosen_world, (size, margin) = world_by_name(world), extent
    if size < 16:
        raise ConfigError(f"studio picture: expected a size of at least 16 pixels, got {size}")
    if not 1 <= margin <= _MOST_MARGIN:
        raise ConfigError(f"studio picture: expected a margin of 1 to {_MOST_MARGIN:g}, got {margin}")
    rng = np.random.default_rng((seed, index))
    person = Dressed(draw_shape(chosen_world.shapes, rng), draw_outfit(chosen_world.wardrobe, rng))
    performer = Performer(person.shape, action_by_name(pick(chosen_world.actions, rng)), int(rng.integers(1 << 31)))
    points = performer.points(rng.uniform(0, _DURATION_S, 1))[0]
    whole = _camera(points, rng)
    crop = _crop(whole.project(torch.from_numpy(points[: len(MPII16)])).pixels, rng)
    room = draw_room(chosen_world.rooms, chosen_world.light, _plot(whole, performer, points, person.outfit, rng), rng)
    edge = size + 2 * math.ceil(size * (margin - 1) / 2)
    camera = crop_camera(whole, Crop(crop.center, crop.side * edge / size), edge)
    backdrop = draw_backdrop(room, make_view(camera, device))
    return _Setting(chosen_world, person, points, performer.action.name, backdrop, size, rng)


def studio_pictures(
    world: str | World, seed: int, *, size: int = 128, start: int = 0, device: str = "cpu"
) -> Iterator[StudioPicture]:
    """Yield single pictures without end, each of another person; picture i depends only on the seed and i.

    Args:
        world: "generic", "target" or a world of your own.
        seed: seed of the series.
        size: side of the pictures, pixels.
        start: number of the first picture.
        device: where they are drawn.

    Raises:
        ConfigError: there is no such world, or the size is below 16.
    """
    index = start
    while True:
        yield sample(world, seed, index, size=size, device=device)
        index += 1


def crop_camera(camera: Camera, crop: Crop, size: int) -> Camera:
    """Return the camera whose picture is a window of `camera`'s picture, resampled to `size` x `size` pixels."""
    window = torch.cat((crop.window_from_image((size, size)), torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)))
    px_from_cam = window @ camera.px_from_cam.double()
    return replace(camera, image_size=(size, size), px_from_cam=px_from_cam)


def _camera(points: Floats, rng: np.random.Generator) -> Camera:
    """Return an upright pinhole camera that looks near the middle of the person."""
    azimuth, away, height = rng.uniform(0, 2 * math.pi), rng.uniform(*_DISTANCE_MM), rng.uniform(*_HEIGHT_MM)
    middle = points.mean(0)
    place = np.array((middle[0] + away * math.cos(azimuth), middle[1] + away * math.sin(azimuth), height))
    center, target = torch.from_numpy(place), torch.from_numpy(middle + rng.uniform(-150, 150, 3))
    rotation = look_at(center, target)
    focal, half = _FRAME_PX * rng.uniform(0.9, 1.3), 0.5 * (_FRAME_PX - 1)
    px_from_cam = torch.tensor(((focal, 0.0, half), (0.0, focal, half), (0.0, 0.0, 1.0)), dtype=torch.float64)
    return Camera("studio", (_FRAME_PX, _FRAME_PX), px_from_cam, rotation, -rotation @ center)


def _crop(pixels: Tensor, rng: np.random.Generator) -> Crop:
    """Return a window around joints (J, 2), slightly off its middle."""
    exact = crop_around(pixels, float(rng.uniform(*_CROP_SCALE)), min_side=60.0)
    x, y = (np.array(exact.center) + 0.07 * exact.side * rng.uniform(-1, 1, 2)).tolist()
    return Crop((x, y), exact.side)


def _plot(camera: Camera, performer: Performer, points: Floats, outfit: Outfit, rng: np.random.Generator) -> Plot:
    """Return the plot of a room that holds person and camera; its other walls may be near."""
    corners = np.stack((camera.center.numpy()[:2], points[:, :2].min(0), points[:, :2].max(0)))
    low = corners.min(0) - rng.uniform(700, 3500, 2)
    high = corners.max(0) + rng.uniform(700, 3500, 2)
    ceiling = max(float(rng.uniform(2500, 3800)), float(camera.center[2]) + 300.0)
    feet = points[[POINTS.index(name) for name in _ON_THE_FLOOR], :2]
    return Plot((low[0], low[1]), (high[0], high[1], ceiling), feet, performer.stage, outfit)
