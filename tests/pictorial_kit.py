"""Small models whose sums can be done by hand, and small scenes before known cameras."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.geometry.camera import Camera
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.geometry.rig import project_all
from poseharvest.heatmaps.encode import gaussian_maps
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.backends.fft import GridMessenger
from poseharvest.pictorial.pairwise import Shell
from poseharvest.pictorial.sum_product import Marginals, Tree, sum_product
from poseharvest.simulation.camera_rigs import look_at
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton, limbs

STICK = Skeleton("stick", ("hand", "belly", "head", "foot"), limbs("belly-head", "belly-foot", "head-hand"))
STICK_LENGTHS = LimbLengths({("belly", "head"): 420.0, ("belly", "foot"): 600.0, ("head", "hand"): 350.0})
STICK_POINTS = torch.tensor(
    [[330.0, 120.0, 1330.0], [20.0, -30.0, 900.0], [60.0, 10.0, 1316.0], [-150.0, 60.0, 334.0]], dtype=torch.float64
)
MAP_SIZE = (36, 44)


@dataclass(frozen=True)
class GridModel:
    """Unaries (J, X, Y, Z) on a grid, a tree and a shell an edge."""

    log_unary: Tensor
    tree: Tree
    shells: tuple[Shell, ...]

    @property
    def dims(self) -> tuple[int, ...]:
        return tuple(self.log_unary.shape[1:])


def random_model(parents: tuple[int, ...], dims: tuple[int, int, int], seed: int, *, spread: float = 3.0) -> GridModel:
    """A model on a small grid: `parents[k]` hangs joint k + 1 on a joint before it; all joints then renamed."""
    generator = torch.Generator().manual_seed(seed)
    num_joints = len(parents) + 1
    name = torch.randperm(num_joints, generator=generator).tolist()
    edges = tuple((name[parent], name[child + 1]) for child, parent in enumerate(parents))
    log_unary = spread * torch.randn(num_joints, *dims, dtype=torch.float64, generator=generator)
    lows = torch.randint(0, 4, (len(edges),), generator=generator).tolist()
    widths = torch.randint(1, 5, (len(edges),), generator=generator).tolist()
    shells = tuple(Shell(low, low + width) for low, width in zip(lows, widths, strict=True))
    return GridModel(log_unary, Tree(edges, num_joints), shells)


def solve(model: GridModel) -> Marginals:
    """The reference's marginals, one frame."""
    messenger = GridMessenger(model.dims, model.shells, model.log_unary)
    return sum_product([joint.unsqueeze(0) for joint in model.log_unary], model.tree, messenger)


def voxels(dims: tuple[int, ...]) -> Tensor:
    """(N, 3) whole positions of a grid, x slowest."""
    return torch.tensor(list(itertools.product(*(range(n) for n in dims))))


def joined(shell: Shell, dims: tuple[int, ...]) -> Tensor:
    """(N, N) bool by looking at every pair: p(s_i, s_j)."""
    squared = (voxels(dims)[:, None] - voxels(dims)[None]).square().sum(-1)
    return (squared >= shell.min_squared) & (squared <= shell.max_squared)


def enumerated(model: GridModel) -> tuple[Tensor, float]:
    """Marginals (J, N) and log-partition by adding up every pose."""
    num_joints = model.log_unary.shape[0]
    letters = "abcdef"[:num_joints]
    unary = model.log_unary.flatten(1).exp()
    pairs = [joined(shell, model.dims).to(unary) for shell in model.shells]
    terms = [*letters, *(letters[p] + letters[c] for p, c in model.tree.edges)]
    poses = torch.einsum(",".join(terms) + "->" + letters, *unary, *pairs)
    total = poses.sum()
    axes = range(num_joints)
    marginals = torch.stack([poses.sum([a for a in axes if a != joint]) if num_joints > 1 else poses for joint in axes])
    return marginals / torch.where(total > 0, total, 1), math.log(total) if total > 0 else -math.inf


def ring(num_views: int, *, shift: Tensor | None = None) -> tuple[Camera, ...]:
    """Cameras of 640 x 480 around (0, 0, 900), looking at it; all moved by `shift`, mm."""
    target = torch.tensor([0.0, 0.0, 900.0], dtype=torch.float64)
    moved = torch.zeros(3, dtype=torch.float64) if shift is None else shift
    cameras = []
    for view in range(num_views):
        angle = 0.4 + 2 * math.pi * view / num_views
        center = torch.tensor([4000 * math.cos(angle), 3700 * math.sin(angle), 1300.0 + 150 * view])
        rotation = look_at(center.double(), target)
        px_from_cam = torch.tensor([[800.0, 0.0, 322.0], [0.0, 810.0, 236.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
        place = center.double() + moved
        cameras.append(Camera(f"cam{view}", (480, 640), px_from_cam, rotation, -rotation @ place))
    return tuple(cameras)


def seen_by(
    cameras: tuple[Camera, ...], points: Tensor, *, sigma_px: float = 1.5, height: float = 0.8, scale: float = 1.4
) -> Heatmaps:
    """What a perfect detector says of the points (J, 3): non-square maps in windows that hold them all."""
    maps, crops = [], []
    for pixels in project_all(cameras, points).pixels:
        crop = crop_around(pixels, scale)
        crops.append(crop)
        maps.append(height * gaussian_maps(crop.to_window(pixels, MAP_SIZE), MAP_SIZE, sigma_px=sigma_px))
    return Heatmaps(torch.stack(maps), tuple(crops))


def without_view(heatmaps: Heatmaps, view: int) -> Heatmaps:
    """The same with one view absent."""
    values = heatmaps.values.clone()
    values[view] = 0
    crops: tuple[Crop | None, ...] = tuple(None if v == view else crop for v, crop in enumerate(heatmaps.crops))
    return Heatmaps(values, crops)
