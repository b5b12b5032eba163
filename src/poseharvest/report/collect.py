"""One pass over a harvest: every number, picture and pose that the report shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.cuts import with_selection_findings
from poseharvest.annotations.info import HarvestInfo
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.diagnosis.agreement import ViewSummary, ViewTally
from poseharvest.diagnosis.diagnose import Diagnosis
from poseharvest.diagnosis.limbs import LimbSummary, LimbTally
from poseharvest.diagnosis.spread import Spread
from poseharvest.findings import Finding
from poseharvest.geometry.camera import MovingCamera
from poseharvest.report.angle_pieces import ChartAngles
from poseharvest.report.film_in_page import FilmInPage
from poseharvest.report.joints import JointSummaries, JointTally
from poseharvest.report.moving_poses import CameraShape, MotionTally, PoseSample, Stage, camera_shapes, find_stage
from poseharvest.report.overlays import FrameOverlay, overlay_frame
from poseharvest.report.page_limit import TIMELINE_BYTES
from poseharvest.report.small_pictures import SmallPictures, small_pictures
from poseharvest.report.take import Sink, TakeIndex, TakeTally
from poseharvest.report.timeline import Timeline, TimelineTally, timeline_bytes
from poseharvest.report.worst_moments import Kind, WorstMoment, WorstTally
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.columns import values_of

MAX_PICTURED_FRAMES = 8
MAX_TIMELINES = 6


@dataclass(frozen=True, eq=False)
class ReportContent:
    """What the page shows.

    Attributes:
        info: capture, detector, options and people of the harvest.
        skeleton: the joints.
        first_frame: first frame with a person.
        last_frame: last frame with a person.
        joints: uncertainty and selection.
        limbs: lengths.
        views: agreement of every camera.
        agreement: the distance of heatmap peaks to the pose over all views, pixels.
        timelines: one a person, at most MAX_TIMELINES, and as many as the page has room for.
        poses: some of them over the whole take, in (frame, person) order; the stage is found from them.
        take: all frames, for the player.
        angles: names of the joint angles that the chart shows.
        worst: the moments to look at first, by kind.
        people: everybody in the harvest.
        cameras: as drawn, in the first frame.
        cameras_move: at least one camera moves from frame to frame.
        stage: floor and direction of view.
        overlays: the frames that the harvest keeps pictures of, at most MAX_PICTURED_FRAMES.
        pictures: small ones, behind the player's poses; none where there is a film.
        film: small pictures of all frames, behind the player's poses; None if the harvest keeps none.
        findings: the findings on the harvest, worst first.
    """

    info: HarvestInfo
    skeleton: Skeleton
    first_frame: int
    last_frame: int
    joints: JointSummaries
    limbs: tuple[LimbSummary, ...]
    views: tuple[ViewSummary, ...]
    agreement: Spread
    timelines: tuple[Timeline, ...]
    poses: tuple[PoseSample, ...]
    take: TakeIndex
    angles: tuple[str, ...]
    worst: dict[Kind, tuple[WorstMoment, ...]]
    people: tuple[int, ...]
    cameras: tuple[CameraShape, ...]
    cameras_move: bool
    stage: Stage
    overlays: tuple[FrameOverlay, ...]
    pictures: SmallPictures
    film: FilmInPage | None
    findings: tuple[Finding, ...]

    @property
    def examined(self) -> HarvestInfo:
        """The content of `harvest.json` with the findings of this page, which an older harvest lacks."""
        return self.info.model_copy(update={"findings": self.findings, "diagnosed": True})

    @property
    def measured_person(self) -> int | None:
        """The person whose limbs are measured, if there are several people; else None."""
        return _measured_person(self.info)


def _measured_person(info: HarvestInfo) -> int | None:
    if len(info.people) < 2:
        return None
    return max(info.people, key=lambda person: person.frames).person


def _estimated_mm(info: HarvestInfo) -> dict[str, float]:
    """Return the limb lengths that inference used for the person whose limbs are measured."""
    measured = _measured_person(info)
    if measured is None:
        return info.limb_lengths_mm
    return next(person.limb_lengths_mm for person in info.people if person.person == measured)


def collect(harvest: Harvest, sink: Sink | None = None, film: FilmInPage | None = None) -> ReportContent:
    """Return the content of a harvest's report; frames are streamed, so memory does not grow with their number.

    Args:
        harvest: the harvest.
        sink: takes the pieces of a long take, so that memory does not grow with it; None keeps them.
        film: of the harvest, if it keeps one.

    Raises:
        StoreError: the harvest is damaged.
        FormatError: a preview picture is damaged.
    """
    pass_ = _Pass(harvest, sink, film)
    for frame, group in groupby(harvest.iter_selected(), key=lambda row: row.annotations.frame):
        pass_.add(frame, tuple(group))
    return pass_.content()


def frame_range(harvest: Harvest) -> tuple[int, int]:
    """Return the first and the last frame of a harvest."""
    bounds = [
        (int(column.min()), int(column.max()))
        for table in harvest.frame_columns(["frame"])
        if len(column := values_of(table.column("frame")))
    ]
    return min(low for low, _ in bounds), max(high for _, high in bounds)


def spread_out(values: Iterable[int], num: int) -> tuple[int, ...]:
    """Return at most `num` of the values, evenly spread from the first to the last.

    >>> spread_out(range(10), 4)
    (0, 3, 6, 9)
    """
    every = tuple(values)
    if len(every) <= num:
        return every
    return tuple(every[k] for k in np.linspace(0, len(every) - 1, num).round().astype(int))


class _Pass:
    """The tallies that are filled in one pass over the harvest."""

    def __init__(self, harvest: Harvest, sink: Sink | None, film: FilmInPage | None) -> None:
        self._film = film
        self._harvest, self._rig, self._skeleton = harvest, harvest.rig, harvest.skeleton
        self._range = frame_range(harvest)
        self._joints, self._limbs = JointTally(self._skeleton), LimbTally(self._skeleton)
        self._views = ViewTally(self._rig, len(self._skeleton))
        # A harvest that lists all that its annotations show is not diagnosed twice.
        self._diagnosis = None if harvest.info.diagnosed else Diagnosis(self._rig, self._skeleton)
        self._motion = MotionTally(self._range)
        self._angles = ChartAngles.of(harvest)
        self._take, self._worst = TakeTally(self._rig, self._angles, sink), WorstTally(self._rig, self._range)
        self._people: set[int] = set()
        self._measured = _measured_person(harvest.info)
        self._timelines: dict[int, TimelineTally] = {}
        self._max_timelines = max(1, min(MAX_TIMELINES, TIMELINE_BYTES // timeline_bytes(len(self._skeleton))))
        self._pictured = set(spread_out(harvest.preview_frames, MAX_PICTURED_FRAMES))
        self._overlays: list[FrameOverlay] = []

    def add(self, frame: int, rows: tuple[SelectedFrame, ...]) -> None:
        """Add all persons of one frame."""
        people = [(row.calibrated, row.selected.numpy()) for row in rows]
        for record, selected in people:
            self._joints.add(record, selected)
            if self._diagnosis is not None:
                self._diagnosis.add(record)
            if self._measured in {None, record.person}:
                self._limbs.add(record)
            self._views.add(record)
            self._motion.add(record, selected)
            self._take.add(record, selected)
            self._worst.add(record)
            self._people.add(record.person)
            timeline = self._timeline_of(record.person)
            if timeline:
                timeline.add(record, selected)
        if frame in self._pictured:
            self._overlays.append(
                overlay_frame(rows, rig=self._rig, skeleton=self._skeleton, pictures=self._pictures(frame))
            )

    def content(self) -> ReportContent:
        """Return the content collected from all frames."""
        info, poses, joints = self._harvest.info, self._motion.samples, self._joints.summary()
        stage = find_stage(poses, self._skeleton)
        middle: NDArray[np.float64] = np.mean([pose.center for pose in poses], axis=0)
        return ReportContent(
            info=info,
            skeleton=self._skeleton,
            first_frame=self._range[0],
            last_frame=self._range[1],
            joints=joints,
            limbs=self._limbs.summary(_estimated_mm(info)),
            views=self._views.summary(),
            agreement=self._views.pooled(),
            timelines=tuple(self._timelines[person].summary() for person in sorted(self._timelines)),
            poses=tuple(poses),
            take=self._take.index(),
            angles=self._angles.names,
            worst={kind: self._worst.moments(kind) for kind in get_args(Kind)},
            people=tuple(sorted(self._people)),
            cameras=camera_shapes(self._rig, self._range[0], middle),
            cameras_move=any(isinstance(camera, MovingCamera) for camera in self._rig),
            stage=stage,
            overlays=tuple(self._overlays),
            pictures=SmallPictures() if self._film else small_pictures(self._harvest, self._rig.names),
            film=self._film,
            findings=self._findings(joints),
        )

    def _findings(self, joints: JointSummaries) -> tuple[Finding, ...]:
        """Return the findings of `harvest.json`; for an older harvest, findings from its annotations are added."""
        info = self._harvest.info
        if self._diagnosis is None:
            return info.findings
        selection = info.selection.model_copy(update={"largest_sigma_mm": joints.largest_selected_mm})
        return with_selection_findings((*info.findings, *self._diagnosis.findings(info)), selection)

    def _timeline_of(self, person: int) -> TimelineTally | None:
        if person not in self._timelines and len(self._timelines) < self._max_timelines:
            self._timelines[person] = TimelineTally(person, self._range, len(self._skeleton))
        return self._timelines.get(person)

    def _pictures(self, frame: int) -> dict[str, Path]:
        pictures = {name: self._harvest.preview(frame, name) for name in self._rig.names}
        return {name: path for name, path in pictures.items() if path is not None}
