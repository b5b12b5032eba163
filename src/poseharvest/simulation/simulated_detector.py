"""A detector that knows the truth and makes random errors: it takes the place of a 2D network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.detectors.protocol import CroppedView
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop
from poseharvest.simulation.detector_errors import REALISTIC, DetectorErrors
from poseharvest.simulation.erring_joints import Observation, Observer
from poseharvest.simulation.scene import Scene
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton

_NOISE_BANK = 128  # shifts of one patch of noise, along rows and along columns
_NOISE_SMOOTHING = np.array((0.25, 0.5, 0.25))
_NOISE = 0  # kind of draw, beside those of observation.py


@dataclass(frozen=True, eq=False)
class SimulatedDetector:
    """A `HeatmapDetector` on a synthetic scene. It needs no pictures.

    Its maps depend on seed, view, frame and window only, not on the order of the calls.

    Attributes:
        scene: the true scene.
        errors: the kinds of errors with their rates and sizes.
        seed: seed of the errors.
        heatmap_size: (height, width) of its maps.
        others: scenes of the other people before the same cameras, who may hide this one.
        jitter_seed: seed of the localisation errors' directions only; `seed` if None.
    """

    scene: Scene
    errors: DetectorErrors = REALISTIC
    seed: int = 0
    heatmap_size: ImageSize = (64, 64)
    others: tuple[Scene, ...] = ()
    jitter_seed: int | None = None
    name: str = field(default="simulated", init=False)
    skeleton: Skeleton = field(default=MPII16, init=False)
    needs_images: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        view = self.errors.wrong_view
        if view is not None and not 0 <= view < len(self.scene.rig):
            raise DetectorError(
                f"simulated detector: wrong_view must be a view, 0 to {len(self.scene.rig) - 1}, got {view}"
            )

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps (B, 16, H, W) float32 of B windows.

        Raises:
            CalibrationError: a window is of a view that the rig lacks.
        """
        maps = np.empty((len(views), len(self.skeleton), *self.heatmap_size), dtype=np.float32)
        for i, window in enumerate(views):
            self.scene.rig.camera(window.view)
            view = self.scene.rig.names.index(window.view)
            paint(self.observer.observe(view, window.frame), self.errors, window.crop, maps[i])
            if self.errors.noise > 0 or self.errors.noise_bias:
                maps[i] += self._background(view, window.frame)
        return torch.from_numpy(maps)

    @cached_property
    def observer(self) -> Observer:
        """The observer that gives the erring joints of every view and frame, for all windows."""
        return Observer(self.scene, self.errors, self.seed, self.others, self.jitter_seed)

    @cached_property
    def _noise_bank(self) -> NDArray[np.float32]:
        height, width = self.heatmap_size
        generator = np.random.default_rng(self.seed)
        white = generator.standard_normal((height + _NOISE_BANK, width + _NOISE_BANK))
        for axis in (0, 1):
            white = np.apply_along_axis(np.convolve, axis, white, _NOISE_SMOOTHING, "same")
        smooth = self.errors.noise_bias + self.errors.noise * white / white.std()
        return np.asarray(smooth, dtype=np.float32)

    def _background(self, view: int, frame: int) -> NDArray[np.float32]:
        """Return (J, H, W) background: windows of one patch of noise, at places drawn by seed, view and frame."""
        height, width = self.heatmap_size
        generator = np.random.default_rng((self.seed, view, _NOISE, frame))
        tops, lefts = generator.integers(0, _NOISE_BANK, (2, len(self.skeleton)))
        windows = np.lib.stride_tricks.sliding_window_view(self._noise_bank, (height, width))
        return np.asarray(windows[tops, lefts])


def paint(observation: Observation, errors: DetectorErrors, crop: Crop, out: NDArray[np.float32]) -> None:
    """Fill `out` (J, H, W) with the Gaussians of `observation` as the window `crop` shows them.

    A joint's map is the maximum of its Gaussians. The heights are lower if the person fills too little or too much of
    the window.
    """
    height, width = out.shape[1:]
    places = crop.to_window(torch.from_numpy(observation.places), (height, width)).numpy()  # (J, K, 2)
    variance = 2 * observation.sigmas_px[..., None] ** 2
    x = np.exp(-((np.arange(width) - places[..., :1]) ** 2) / variance)  # (J, K, W)
    y = np.exp(-((np.arange(height) - places[..., 1:]) ** 2) / variance)  # (J, K, H)
    y = y * (observation.heights * _response(observation.extent / crop.side, errors.usable_fill))[..., None]
    x, y = x.astype(np.float32), y.astype(np.float32)
    np.multiply(y[:, 0, :, None], x[:, 0, None, :], out=out)
    for joint in np.flatnonzero(observation.heights[:, 1:].any(1)):
        for k in range(1, y.shape[1]):
            np.maximum(out[joint], y[joint, k, :, None] * x[joint, k, None, :], out=out[joint])


def _response(fill: float, usable: tuple[float, float]) -> float:
    """Return the factor on the heights for a person whose extent is `fill` of the window's side."""
    low, high = usable
    if fill < low:
        return (fill / low) ** 2
    return (high / fill) ** 2 if fill > high else 1.0
