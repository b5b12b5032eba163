"""From where the cameras see the board to calibrated cameras, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from poseharvest.arrays import ImageSize
from poseharvest.boards.board import Board
from poseharvest.capture.cameras import fit_rig
from poseharvest.capture.uncalibrated import UncalibratedFootage
from poseharvest.errors import CalibrationError, CaptureError
from poseharvest.findings import Finding, worst_first
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.progress import OnProgress
from poseharvest.rig_calibration.adjustment_rounds import Adjusted, Beginning, adjust_in_rounds
from poseharvest.rig_calibration.bundle import Precision, State, precision
from poseharvest.rig_calibration.camera_pairs import Pair, place_cameras
from poseharvest.rig_calibration.fisheye import guess_fisheye
from poseharvest.rig_calibration.floor import FloorPicture, floor_world
from poseharvest.rig_calibration.judgement import judge
from poseharvest.rig_calibration.lenses import Lens, guess_lens, lens_of_camera
from poseharvest.rig_calibration.options import CalibrationOptions
from poseharvest.rig_calibration.other_boards import explain_missing_board
from poseharvest.rig_calibration.scene_points import read_scene_points
from poseharvest.rig_calibration.sightings import Sightings, find_boards
from poseharvest.rig_calibration.thinning import thinned
from poseharvest.rig_calibration.whole_cameras import (
    WholeFault,
    all_pairs,
    describe,
    find_delays,
    find_mirrored,
    poses_by_view,
)
from poseharvest.rig_calibration.world import (
    World,
    camera_world,
    points_world,
)

_MOST_FLOOR_PICTURES = 12


@dataclass(frozen=True, eq=False)
class RigCalibration:
    """Calibrated cameras and what there is to know of them.

    Attributes:
        rig: the cameras, in the world of `world`, mm. Cameras that are not connected with the others are missing.
        sightings: where the board was seen.
        adjusted: the adjusted numbers, pictures and errors; its world is the first camera's, its lengths by the board.
        precision: standard deviations.
        pairs: how the cameras of each pair stand to each other before the adjustment.
        faults: cameras that are wrong as a whole.
        world: the world of `rig`.
        findings: what a person should know, worst first.
    """

    rig: Rig
    sightings: Sightings
    adjusted: Adjusted
    precision: Precision
    pairs: tuple[Pair, ...]
    faults: tuple[WholeFault, ...]
    world: World
    findings: tuple[Finding, ...]

    @property
    def is_fit(self) -> bool:
        """Whether nothing speaks against the use of the cameras: no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)


@dataclass(frozen=True)
class WorldRequest:
    """How the world is to be defined; at most one of the two.

    Attributes:
        floor_frames: numbers of frames in which the board lies on the floor; it may lie elsewhere in each.
        scene_points: a CSV file of measured points.
        floor_footage: pictures of the board on the floor that are not part of the footage.

    Raises:
        CalibrationError: both are given.
    """

    floor_frames: tuple[int, ...] = ()
    scene_points: Path | None = None
    floor_footage: UncalibratedFootage | None = None

    def __post_init__(self) -> None:
        if self.has_floor and self.scene_points is not None:
            raise CalibrationError("scene_points: expected one definition of the world, got floor_board as well")

    @property
    def has_floor(self) -> bool:
        """Whether boards on the floor define the world."""
        return bool(self.floor_frames) or self.floor_footage is not None


def calibrate_footage(  # noqa: PLR0913 - the independent options of a calibration
    footage: UncalibratedFootage,
    board: Board,
    *,
    options: CalibrationOptions | None = None,
    every: int | None = None,
    intrinsics: Rig | None = None,
    world: WorldRequest | None = None,
    on_progress: OnProgress | None = None,
) -> RigCalibration:
    """Return the cameras that filmed a board.

    Args:
        footage: of all cameras.
        board: the board that they filmed.
        options: of the calibration.
        every: look at every so many frames; None looks at 300 frames at most.
        intrinsics: a calibration whose lenses are kept; None estimates them.
        world: how the world is to be defined; None takes that of the first camera.
        on_progress: is called after every frame that was looked at.

    Raises:
        CalibrationError: the board is not seen in two views at once, or the world cannot be defined.
        CaptureError: a picture cannot be decoded.
    """
    wanted = world or WorldRequest()
    floor = wanted.floor_frames
    for frame in floor:
        if not 0 <= frame < footage.num_frames:
            raise CaptureError(f"floor_board: expected a frame from 0 to {footage.num_frames - 1}, got {frame}")
    # What can be wrong is read before the pictures, which take minutes.
    lenses = None if intrinsics is None else given_lenses(intrinsics, footage)
    (options or CalibrationOptions()).lens_of_views(footage.names)
    if wanted.scene_points is not None:
        read_scene_points(wanted.scene_points)
    sightings = find_boards(footage, board, every=every, also=floor, on_progress=on_progress)
    if len({one.view for one in sightings.found}) < 2 or not np.triu(sightings.shared, 1).any():
        raise CalibrationError(explain_missing_board(footage, sightings))
    result = calibrate_rig(sightings, options=options, lenses=lenses, world=wanted)
    unseen = explain_missing_board(footage, sightings) if _some_see_nothing(sightings) else None
    extra = [] if unseen is None else [Finding("error", "board", unseen)]
    return replace(result, findings=worst_first((*result.findings, *extra, *footage.findings)))


def given_lenses(intrinsics: Rig, footage: UncalibratedFootage) -> list[Lens]:
    """Return the lenses of a calibration for the views of some footage.

    Raises:
        CalibrationError: a view has no perspective camera that stands still, or its pictures have another size.
    """
    fitted = fit_rig(intrinsics, footage.footage, footage.settings).rig
    lenses = [lens_of_camera(camera) for camera in fitted if isinstance(camera, Camera)]
    if len(lenses) < len(footage.names):
        raise CalibrationError("intrinsics: expected perspective cameras that stand still for all views")
    return lenses


def _some_see_nothing(sightings: Sightings) -> bool:
    return len({one.view for one in sightings.found}) < len(sightings.views)


def calibrate_rig(
    sightings: Sightings,
    *,
    options: CalibrationOptions | None = None,
    lenses: Sequence[Lens] | None = None,
    world: WorldRequest | None = None,
) -> RigCalibration:
    """Return the cameras that explain where the board was seen.

    Args:
        sightings: the corners in all pictures.
        options: of the calibration.
        lenses: given lenses of all cameras; None estimates them.
        world: how the world is to be defined; None takes that of the first camera.

    Raises:
        CalibrationError: no two cameras agree on where the board is, or the world cannot be defined.
    """
    chosen, board = options or CalibrationOptions(), sightings.board
    guesses = list(lenses) if lenses is not None else _guesses(sightings, chosen)
    poses = poses_by_view(sightings, guesses)
    pairs = all_pairs(board, poses, guesses)
    faults = [
        *find_mirrored(sightings, poses, guesses),
        *find_delays(board, poses, guesses, pairs, sightings.stride),
    ]
    mirrored = {fault.view for fault in faults if fault.is_mirrored}
    sound = [pair for pair in pairs if not mirrored & set(pair.views)]
    placed = place_cameras(len(sightings.views), sound, chosen.min_shared)
    if len(placed) < 2:
        raise CalibrationError(_nothing_connected(sightings, pairs, faults, chosen.min_shared))
    kept = thinned(sightings, [view for view in placed], chosen.max_moments)
    known = {(view, frame): pose for view, of_view in enumerate(poses) for frame, pose in of_view.items()}
    seen = [one for one in kept if (one.view, one.frame) in known]
    start = Beginning(board, {view: guesses[view] for view in placed}, placed, known)
    adjusted = adjust_in_rounds(start, seen, chosen.corner_sigma_px)
    precise = precision(adjusted.state, adjusted.pictures, chosen.corner_sigma_px)
    found_world = _world(sightings, adjusted, world or WorldRequest())
    names = [sightings.views[view] for view in adjusted.views]
    rig = make_rig(names, adjusted.state, found_world)
    result = RigCalibration(rig, sightings, adjusted, precise, tuple(pairs), tuple(faults), found_world, ())
    return replace(result, findings=judge(result.sightings, adjusted, precise, pairs, faults, found_world))


def _guesses(sightings: Sightings, options: CalibrationOptions) -> list[Lens]:
    guesses = []
    for view, (size, lens) in enumerate(
        zip(sightings.image_sizes, options.lens_of_views(sightings.views), strict=True)
    ):
        guess = guess_fisheye if lens == "fisheye" else partial(guess_lens, model=lens)
        guesses.append(guess(sightings.board, [one.corners for one in sightings.of_view(view)], size))
    return guesses


def _nothing_connected(
    sightings: Sightings, pairs: Sequence[Pair], faults: Sequence[WholeFault], min_shared: int
) -> str:
    best = max(pairs, key=lambda pair: (pair.num_agreeing, pair.num_shared), default=None)
    names = sightings.views
    if faults:
        return describe(faults[0], names)
    if best is None or best.num_shared < 2:
        return "expected pictures of the board that two cameras took at the same time, got none or one: film them again"
    a, b = (names[view] for view in best.views)
    rival = ", or with another pose as well: move and turn the board more" if best.is_ambiguous else ""
    return (
        f'cameras "{a}" and "{b}" share {best.num_shared} pictures of the board, and agree in {best.num_agreeing} of '
        f"them on how they stand to each other{rival}: expected {min_shared} or more that agree. Are the pictures of "
        "one moment (offsets in capture.toml), and are the numbers of squares those of the board?"
    )


def _world(sightings: Sightings, adjusted: Adjusted, wanted: WorldRequest) -> World:
    names = [sightings.views[view] for view in adjusted.views]
    state = adjusted.state
    if wanted.scene_points is not None:
        points = read_scene_points(wanted.scene_points)
        return points_world(points, names, state.lenses, state.cams_from_world, wanted.scene_points.name)
    if not wanted.has_floor:
        return camera_world(names[0])
    pictures = [_floor_picture(sightings, names, frame, f"frame {frame}") for frame in wanted.floor_frames]
    if wanted.floor_footage is not None:
        pictures += _floor_pictures(wanted.floor_footage, sightings, names)
    return floor_world(sightings.board, state.lenses, state.cams_from_world, pictures)


def _floor_picture(sightings: Sightings, names: Sequence[str], frame: int, where: str) -> FloorPicture:
    """Return where the cameras of these names see the board in a frame."""
    views = {sightings.views.index(name): number for number, name in enumerate(names) if name in sightings.views}
    seen = {
        number: sightings.by_place[view, frame].corners
        for view, number in views.items()
        if (view, frame) in sightings.by_place
    }
    return FloorPicture(where, seen)


def _floor_pictures(footage: UncalibratedFootage, sightings: Sightings, names: Sequence[str]) -> list[FloorPicture]:
    """Return the boards on the floor of footage of its own, at most 12 moments of it.

    Raises:
        CalibrationError: its pictures have another size than those of the cameras, or no view sees a board.
    """
    sizes = dict(zip(sightings.views, sightings.image_sizes, strict=True))
    for one in footage.footage:
        if one.name in sizes and sizes[one.name] != one.image_size:
            raise CalibrationError(
                f'floor_footage: camera "{one.name}": expected pictures of {_size(sizes[one.name])} pixels as in the '
                f"footage of the board, got {_size(one.image_size)}"
            )
    every = max(1, -(-footage.num_frames // _MOST_FLOOR_PICTURES))
    found = find_boards(footage, sightings.board, every=every)
    pictures = [_floor_picture(found, names, frame, f"floor frame {frame}") for frame in found.frames]
    usable = [picture for picture in pictures if picture.corners]
    if not usable:
        raise CalibrationError(
            f"floor_footage: {footage.folder}: expected a board on the floor in the pictures of cameras among "
            f"{', '.join(names)}, found none"
        )
    return usable


def _size(image_size: ImageSize) -> str:
    return f"{image_size[1]} x {image_size[0]}"


def make_rig(names: Sequence[str], state: State, world: World) -> Rig:
    """Return the cameras of an adjusted state in a world."""
    cameras = []
    for name, lens, cam_from_old in zip(names, state.lenses, state.cams_from_world, strict=True):
        scaled = cam_from_old.copy()
        scaled[:3, 3] *= world.scale
        pose = scaled @ np.linalg.inv(world.new_from_old)
        cameras.append(lens.camera(name, pose))
    return Rig(tuple(cameras))
