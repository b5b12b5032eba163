"""What may be wrong with one camera: each function returns the correction under which it fits the others best.

The others give the joints in space. A correction changes the camera (its place, its focal length, its lens) or what it
shows (later pictures, mirrored or turned ones), and has as few free numbers as its kind allows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.diagnosis.disagreement import Yardstick, median_of_known, projected
from poseharvest.diagnosis.shown_joints import Floats, ShownJoints
from poseharvest.findings import FaultKind
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.refit import turned_size

MAX_DELAY: Final = 40
"""Longest delay that is looked for, frames; of short footage a third of it."""

_MOST_POINTS = 300
_MOST_STEPS = 20
_ZOOMS = np.exp(np.linspace(-0.4, 0.4, 33))
_RATES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.25, 1.43, 1.67, 2.0)
_LEAST_FRAMES = 5  # that show a joint, for its constant offset
_LEAST_FRAMES_FOR_RATE = 60
_LEAST_SHARE = 0.3  # of what a view shows that a delayed view must still have to be compared


@dataclass(frozen=True, eq=False)
class Correction:
    """A change of one camera, or of what it shows.

    Attributes:
        kind: what is wrong.
        camera: the corrected camera.
        pixels: (T, J, 2) what it would show if nothing were wrong.
        text: the change in words, as the end of "its joints fit the other cameras if ...".
        late_frames: by how many frames its pictures are behind, where that is the change; negative: ahead.
    """

    kind: FaultKind
    camera: Camera
    pixels: Floats
    text: str
    late_frames: float = 0.0


@dataclass(frozen=True, eq=False)
class Suspect:
    """One camera, and what the others say.

    Attributes:
        view: its number.
        camera: as it was calibrated.
        shown: what all views show.
        points: (T, J, 3) joints of the other views, mm; NaN where unknown.
        measure: scale of distances.
        frame_rate: frames per second.
        mirrored_joints: (J,) for each joint the one of the other side of the body.
    """

    view: int
    camera: Camera
    shown: ShownJoints
    points: Floats
    measure: Yardstick
    frame_rate: float
    mirrored_joints: NDArray[np.int64]

    @property
    def pixels(self) -> Floats:
        """(T, J, 2) what it shows."""
        pixels: Floats = self.shown.pixels[self.view]
        return pixels

    @cached_property
    def expected(self) -> Floats:
        """(T, J, 2) pixels of the others' joints in the camera as it was calibrated."""
        return projected(self.camera, self.points)

    @cached_property
    def least_compared(self) -> int:
        """How many joints must be compared for a correction to count."""
        return max(1, int(_LEAST_SHARE * np.isfinite(self.pixels).all(-1).sum()))

    def cost(self, camera: Camera, pixels: Floats) -> float:
        """Return the mean cost of a correction against the joints of the others; infinite if too little is left."""
        expected = self.expected if camera is self.camera else projected(camera, self.points)
        costs = self.measure.cost(self.view, np.linalg.norm(expected - pixels, axis=-1))
        compared = np.isfinite(costs)
        return float(costs[compared].mean()) if compared.sum() >= self.least_compared else math.inf

    def pairs(self) -> tuple[Floats, Floats]:
        """Return joints (N, 3) and their pixels (N, 2), at most 300 of them."""
        both = np.isfinite(self.points).all(-1) & np.isfinite(self.pixels).all(-1)
        points, pixels = self.points[both], self.pixels[both]
        some = np.linspace(0, len(points) - 1, min(_MOST_POINTS, len(points))).astype(np.int64)
        return points[some], pixels[some]


def corrections(suspect: Suspect) -> Iterator[Correction]:
    """Yield the best correction of each kind that needs numbers, and those of mirrored and turned pictures."""
    if np.isfinite(suspect.pairs()[0]).any():
        yield placed_anew(suspect)
        yield zoomed(suspect)
        if suspect.camera.distortion.model == "none":
            yield with_lens(suspect)
    yield from (one for one in (delayed(suspect), at_another_rate(suspect)) if one is not None)
    yield from other_pictures(suspect)


def placed_anew(suspect: Suspect) -> Correction:
    """Return the camera at the place and in the direction that fit best (six numbers)."""
    from scipy.spatial.transform import Rotation

    camera = suspect.camera
    points, pixels = suspect.pairs()
    unit_mm = float(np.linalg.norm(np.ptp(points, axis=0))) or 1.0

    def at(change: Floats) -> Camera:
        turn = torch.as_tensor(Rotation.from_rotvec(change[:3]).as_matrix())
        rotation = turn @ camera.rotation.double()
        return replace(
            camera,
            rotation=rotation,
            translation=turn @ camera.translation.double() + torch.as_tensor(change[3:]) * unit_mm,
        )

    best = at(_fitted(suspect, at, points, pixels, 6))
    moved_mm = float((best.center - camera.center).norm())
    turn = Rotation.from_matrix((best.rotation @ camera.rotation.double().T).numpy())
    degrees = math.degrees(float(turn.magnitude()))
    text = f"it was moved or turned after its calibration (about {moved_mm:.0f} mm and {degrees:.1f} degrees)"
    return Correction("place", best, suspect.pixels, text)


def zoomed(suspect: Suspect) -> Correction:
    """Return the camera with the focal length that fits best (one number)."""
    from scipy.optimize import minimize_scalar  # slow to import, and most cameras are not at fault

    def with_zoom(zoom: float) -> Camera:
        matrix = suspect.camera.px_from_cam.clone()
        matrix[:2, :2] *= float(zoom)
        return replace(suspect.camera, px_from_cam=matrix)

    points, pixels = suspect.pairs()

    def cost(zoom: float) -> float:
        apart = np.linalg.norm(projected(with_zoom(zoom), points) - pixels, axis=-1)
        return float(suspect.measure.cost(suspect.view, apart).mean())

    near = float(_ZOOMS[int(np.argmin([cost(zoom) for zoom in _ZOOMS]))])
    zoom = float(minimize_scalar(cost, bounds=(near * 0.97, near * 1.03), method="bounded").x)
    text = (
        f"its focal length is {zoom:.3f} times that of its calibration (zoomed, refocused or resized), or it was moved "
        "along its line of sight"
    )
    return Correction("focal length", with_zoom(zoom), suspect.pixels, text)


def with_lens(suspect: Suspect) -> Correction:
    """Return the camera with the lens distortion that fits best (two numbers)."""
    points, pixels = suspect.pairs()

    def with_bend(bend: Floats) -> Camera:
        return replace(
            suspect.camera, distortion=Distortion("brown_conrady", (float(bend[0]), float(bend[1]), 0.0, 0.0))
        )

    bend = _fitted(suspect, with_bend, points, pixels, 2)
    text = f"its lens distorts (k1 about {bend[0]:.2f}) and the calibration has no distortion"
    return Correction("lens", with_bend(bend), suspect.pixels, text)


def delayed(suspect: Suspect) -> Correction | None:
    """Return the view with the delay that fits best (one number)."""
    frames = suspect.shown.frames.astype(np.float64)

    def cost(delay: float) -> float:
        return suspect.cost(suspect.camera, suspect.shown.in_time(suspect.view, frames + delay))

    longest = min(MAX_DELAY, int(np.ptp(frames)) // 3)
    coarse = np.arange(-longest, longest + 1, dtype=np.float64)
    costs = [cost(delay) for delay in coarse]
    if not np.isfinite(costs).any():
        return None
    near = float(coarse[int(np.argmin(costs))])
    delay = min((near + part for part in (-0.5, -0.25, 0.0, 0.25, 0.5)), key=cost)
    way = "behind" if delay > 0 else "ahead of"
    text = (
        f"its pictures are {abs(delay):.3g} frames ({abs(delay) / suspect.frame_rate:.2f} s) {way} those of the others"
    )
    pixels = suspect.shown.in_time(suspect.view, frames + delay)
    return Correction("delay", suspect.camera, pixels, text, float(delay))


def at_another_rate(suspect: Suspect) -> Correction | None:
    """Return the view at the rate and with the delay that fit best (two numbers); None if the footage is too short."""
    frames = suspect.shown.frames.astype(np.float64)
    if len(frames) < _LEAST_FRAMES_FOR_RATE:
        return None

    def shown(rate: float, delay: float) -> Floats:
        return suspect.shown.in_time(suspect.view, frames[0] + (frames - frames[0]) * rate + delay)

    grid = [(rate, delay) for rate in _RATES for delay in np.arange(-MAX_DELAY, MAX_DELAY + 1, 4.0)]
    costs = [suspect.cost(suspect.camera, shown(*one)) for one in grid]
    if not np.isfinite(costs).any():
        return None
    rate, delay = grid[int(np.argmin(costs))]
    rates, delays = np.linspace(rate * 0.93, rate * 1.07, 9), delay + np.arange(-3.0, 4.0)
    rate, delay = min(
        ((r, d) for r in rates for d in delays), key=lambda one: suspect.cost(suspect.camera, shown(*one))
    )
    text = (
        f"its pictures have {rate:.2f} times the rate of the others: pictures were dropped or added, or its frame rate "
        "is another one"
    )
    return Correction("rate", suspect.camera, shown(rate, delay), text)


def other_pictures(suspect: Suspect) -> Iterator[Correction]:
    """Yield the view with its pictures mirrored or turned back (no free number)."""
    camera, pixels = suspect.camera, suspect.pixels
    height, width = camera.image_size
    x, y = pixels[..., 0], pixels[..., 1]
    swap = suspect.mirrored_joints
    for name, back in (
        ("mirrored left to right", np.stack((width - 1 - x, y), -1)),
        ("mirrored upside down", np.stack((x, height - 1 - y), -1)),
    ):
        yield Correction("mirrored", camera, back[:, swap], f"its pictures are {name}")
        yield Correction("mirrored", camera, back, f"its pictures are {name}")
    for degrees in (90, 180, 270):
        # The picture was turned clockwise after its calibration; these are its pixels before.
        turned_height, turned_width = turned_size((height, width), degrees)
        before = {
            90: np.stack((y, turned_width - 1 - x), -1),
            180: np.stack((turned_width - 1 - x, turned_height - 1 - y), -1),
            270: np.stack((turned_height - 1 - y, x), -1),
        }[degrees]
        text = f"its pictures were turned by {degrees} degrees clockwise after its calibration (--rotate)"
        yield Correction("turned", camera, before, text)


def moved_px(suspect: Suspect, correction: Correction) -> float:
    """Return the median distance by which a correction moves the person in the picture, pixels."""
    if correction.camera is suspect.camera:
        moved = np.linalg.norm(correction.pixels - suspect.pixels, axis=-1)
    else:
        moved = np.linalg.norm(projected(correction.camera, suspect.points) - suspect.expected, axis=-1)
    return median_of_known(moved, default=0.0)


def explained_share(suspect: Suspect, correction: Correction) -> float:
    """Return how much of the joints' constant offsets a change of the camera explains: 1 for all of it.

    A detector errs to one side as well, but at each joint to another one. Where the camera is wrong, the change that
    fits best moves all joints as they were seen to be off.
    """
    off = suspect.pixels - suspect.expected
    moved = projected(correction.camera, suspect.points) - suspect.expected
    known = np.asarray(np.isfinite(off).all(-1) & np.isfinite(moved).all(-1))
    joints = [joint for joint in range(off.shape[1]) if known[:, joint].sum() >= _LEAST_FRAMES]
    if not joints:
        return 0.0
    offsets, explained = (
        np.stack([np.median(part[known[:, joint], joint], axis=0) for joint in joints]) for part in (off, moved)
    )
    return 1 - float(((offsets - explained) ** 2).sum() / max(float((offsets**2).sum()), 1e-12))


def _fitted(
    suspect: Suspect, changed: Callable[[Floats], Camera], points: Floats, pixels: Floats, num_numbers: int
) -> Floats:
    """Return the numbers of a change under which the joints (N, 3) fit the pixels (N, 2) best, from none on."""
    from scipy.optimize import least_squares

    usual = suspect.measure.error_px[suspect.view]

    def apart(numbers: Floats) -> Floats:
        difference: Floats = (projected(changed(numbers), points) - pixels) / usual
        return difference.clip(-1e3, 1e3).ravel()

    fit: Floats = least_squares(apart, np.zeros(num_numbers), loss="cauchy", max_nfev=_MOST_STEPS).x
    return fit
