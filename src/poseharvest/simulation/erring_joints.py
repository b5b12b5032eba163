"""Where a simulated detector believes the joints of one view and frame to be, in pixels of the picture.

Every random number is drawn from a generator keyed by seed, view and frame (or spell of frames). Each kind of error
draws its numbers even if it then does not occur. So a window's heatmaps depend neither on earlier calls nor on the
rates of the other errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.geometry.rig import inside_image
from poseharvest.simulation.detector_errors import DetectorErrors
from poseharvest.simulation.round_cones import Floats, body_cones, contains, first_hits
from poseharvest.simulation.scene import BLOCK_FRAMES, Scene
from poseharvest.skeleton.definitions import MPII16

_KNOT, _SPELL = 1, 2
_CACHED = 64
_HIDDEN_BY_MM = 5.0  # a surface must be this much nearer than the joint to hide it
_SKIN_MM = 10.0  # a joint so near a solid belongs to it, as the top of the head does to the head
_MIRROR = np.array(MPII16.flip_permutation)
_NUM_JOINTS = len(MPII16)


@dataclass(frozen=True, eq=False)
class Observation:
    """The Gaussians of one view and frame: K for each joint, the detector's preferred one first.

    Attributes:
        places: (J, K, 2) x, y, pixels of the picture.
        heights: (J, K), 0 where there is none.
        sigmas_px: (J, K) standard deviations, pixels of the heatmap.
        extent: the longer side of the person's box, pixels of the picture.
    """

    places: Floats
    heights: Floats
    sigmas_px: Floats
    extent: float


@dataclass(frozen=True, eq=False)
class _Sight:
    """The true joints of F frames as a camera sees them.

    Attributes:
        places: (F, J, 2) true x, y, pixels.
        visible: (F, J) bool, within the picture.
        hidden: (F, J) bool, behind a part of the body.
        covered: (F, J) bool, behind another person.
        extent: (F,) longer side of the box around the joints, pixels.
    """

    places: Floats
    visible: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    extent: Floats

    def frame(self, index: int) -> _Sight:
        """Return one frame without its axis."""
        return _Sight(
            self.places[index], self.visible[index], self.hidden[index], self.covered[index], self.extent[index]
        )


@dataclass(frozen=True, eq=False)
class _Draws:
    """Random numbers of one view and spell of frames, uniform from 0 to 1 unless said otherwise."""

    peak: Floats  # (J,)
    missing: Floats  # (J,)
    swap: Floats  # (J,), equal for both joints of a pair
    second: Floats  # (J,)
    second_peak: Floats  # (J,)
    second_joint: NDArray[np.int64]  # (J,) another joint
    wrong: Floats  # (J,)
    wrong_distance: Floats  # (J,)
    wrong_turn: Floats  # (J,)
    doubt: Floats  # (J,) exponential with mean 1


@dataclass(frozen=True, eq=False)
class Observer:
    """Observes a scene with the errors of a detector.

    Attributes:
        scene: the true scene.
        errors: the kinds of errors with their rates and sizes.
        seed: seed of the errors.
        others: scenes of the other people before the same cameras.
        jitter_seed: seed of the localisation errors' directions only; `seed` if None.
    """

    scene: Scene
    errors: DetectorErrors
    seed: int
    others: tuple[Scene, ...] = ()
    jitter_seed: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what goes to another process: the fields, without what is kept of them."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @cached_property
    def _sight(self) -> Callable[[int, int], _Sight]:
        return lru_cache(_CACHED)(partial(_look, self.scene, self.others))

    @cached_property
    def _spell(self) -> Callable[[int, int], _Draws]:
        return lru_cache(_CACHED)(partial(_draw_spell, self.seed))

    @cached_property
    def _knot(self) -> Callable[[int, int], Floats]:
        return lru_cache(_CACHED)(partial(_draw_knot, self.seed if self.jitter_seed is None else self.jitter_seed))

    def observe(self, view: int, frame: int) -> Observation:
        """Return the erring joints of view number `view` in `frame`."""
        errors = self.errors
        block, offset = divmod(frame, BLOCK_FRAMES)
        sight = self._sight(view, block).frame(offset)
        draws = self._spell(view, frame // errors.spell_frames)
        doubt = _effects_of_doubt(errors, draws.doubt + errors.occluded_doubt * sight.hidden)
        places = sight.places + self._wander(sight, view, frame) * doubt.jitter[:, None]
        if errors.wrong_view in {None, view}:
            is_wrong = draws.wrong < errors.wrong_rate * doubt.odds
            places = np.where(is_wrong[:, None], _elsewhere(errors, sight, draws), places)
        heights = _between(errors.peak, draws.peak) * np.where(sight.hidden, errors.occluded_peak, 1.0)
        heights = heights * np.where(sight.covered, errors.covered_peak, 1.0)
        heights = heights * (sight.visible & (draws.missing >= errors.missing_rate * doubt.odds))
        sigmas = errors.sigma_px * np.where(sight.hidden, errors.occluded_spread, 1.0)
        modes = _modes(errors, draws, doubt.odds)
        return Observation(
            places=places[modes.joints],
            heights=heights[modes.joints[:, :1]] * modes.shares * sight.visible[modes.joints] * doubt.peak[:, None],
            sigmas_px=sigmas[modes.joints] * doubt.spread[:, None],
            extent=float(sight.extent),
        )

    def _wander(self, sight: _Sight, view: int, frame: int) -> Floats:
        """Return the localisation errors (J, 2), pixels, interpolated between knots in time."""
        knot, step = divmod(frame, self.errors.jitter_frames)
        share = step / self.errors.jitter_frames
        normals = (1 - share) * self._knot(view, knot) + share * self._knot(view, knot + 1)
        size = self.errors.jitter * np.where(sight.hidden, self.errors.occluded_jitter, 1.0) * sight.extent
        # The norm of the two weights keeps the variance the same between the knots.
        return np.asarray(size[:, None] * normals / np.hypot(1 - share, share), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Effects:
    """Factors (J,) by which a joint's doubt changes its error, height, width and rates of gross errors."""

    jitter: Floats
    peak: Floats
    spread: Floats
    odds: Floats


def _effects_of_doubt(errors: DetectorErrors, doubt: Floats) -> _Effects:
    return _Effects(
        jitter=np.exp(errors.doubt_jitter * doubt),
        peak=np.exp(-errors.doubt_peak * doubt),
        spread=np.exp(errors.doubt_spread * doubt),
        # Divided by the moment of an exponential of mean 1, so that the factors are 1 on average.
        odds=doubt**errors.doubt_gross / math.gamma(1 + errors.doubt_gross),
    )


@dataclass(frozen=True, eq=False)
class _Modes:
    """For each Gaussian the joint at whose place it is, (J, K), and its height over the first one's, (J, K)."""

    joints: NDArray[np.int64]
    shares: Floats


def _modes(errors: DetectorErrors, draws: _Draws, odds: Floats) -> _Modes:
    own = np.arange(_NUM_JOINTS)
    swapped = (draws.swap < errors.swap_rate * odds) & (own != _MIRROR)
    second = (draws.second < errors.second_mode_rate * odds) & ~swapped
    joints = np.stack((np.where(swapped, _MIRROR, own), np.where(second, draws.second_joint, own)), 1)
    share = np.where(swapped, errors.swap_residue, second * _between(errors.second_mode_peak, draws.second_peak))
    return _Modes(joints, np.stack((np.ones(_NUM_JOINTS), share), 1))


def _look(scene: Scene, others: tuple[Scene, ...], view: int, block: int) -> _Sight:
    camera = scene.cameras[view]
    points = scene.block(block)
    joints = points[:, :_NUM_JOINTS]
    projection = camera.project(joints)
    visible = projection.valid & inside_image(projection.pixels, camera.image_size)
    valid, places = projection.valid.unsqueeze(-1), projection.pixels
    low = torch.where(valid, places, torch.inf).amin(1)
    high = torch.where(valid, places, -torch.inf).amax(1)
    extent = (high - low).amax(-1).clamp_min(1.0)
    center = camera.center.double().numpy()
    hidden = _hidden_joints(joints.numpy(), points.numpy(), center, scene.actor.body.stature_mm)
    covered = np.zeros_like(hidden)
    for other in others:
        covered |= _hidden_joints(joints.numpy(), other.block(block).numpy(), center, other.actor.body.stature_mm)
    return _Sight(places.numpy(), visible.numpy(), hidden, covered, extent.numpy())


def _hidden_joints(joints: Floats, points: Floats, center: Floats, stature_mm: float) -> NDArray[np.bool_]:
    """Return (F, J) bool: between the joint and the camera there is a solid that does not contain the joint."""
    cones = body_cones(points, stature_mm).each()  # (F, 1, N)
    sight_lines = joints - center
    distance = np.linalg.norm(sight_lines, axis=-1)[..., None]
    hits = first_hits((sight_lines / distance)[..., None, :], cones.seen_from(center))  # (F, J, N)
    in_front = hits.distance < distance - _HIDDEN_BY_MM
    hidden: NDArray[np.bool_] = (in_front & ~contains(joints[..., None, :], cones.grown(_SKIN_MM))).any(-1)
    return hidden


def _draw_spell(seed: int, view: int, spell: int) -> _Draws:
    generator = np.random.default_rng((seed, view, _SPELL, spell))
    uniform = generator.random((8, _NUM_JOINTS))
    shift = generator.integers(1, _NUM_JOINTS, _NUM_JOINTS)
    return _Draws(
        peak=uniform[0],
        missing=uniform[1],
        swap=uniform[2][np.minimum(np.arange(_NUM_JOINTS), _MIRROR)],
        second=uniform[3],
        second_peak=uniform[4],
        second_joint=(np.arange(_NUM_JOINTS) + shift) % _NUM_JOINTS,
        wrong=uniform[5],
        wrong_distance=uniform[6],
        wrong_turn=uniform[7],
        doubt=generator.exponential(size=_NUM_JOINTS),
    )


def _draw_knot(seed: int, view: int, knot: int) -> Floats:
    return np.random.default_rng((seed, view, _KNOT, knot)).standard_normal((_NUM_JOINTS, 2))


def _elsewhere(errors: DetectorErrors, sight: _Sight, draws: _Draws) -> Floats:
    angle = 2 * np.pi * draws.wrong_turn
    distance = sight.extent * _between(errors.wrong_distance, draws.wrong_distance)
    return np.asarray(sight.places + distance[:, None] * np.stack((np.cos(angle), np.sin(angle)), -1), dtype=np.float64)


def _between(limits: tuple[float, float], share: Floats) -> Floats:
    low, high = limits
    return np.asarray(low + (high - low) * share, dtype=np.float64)
