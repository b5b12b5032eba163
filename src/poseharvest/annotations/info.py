"""The content of `harvest.json`: capture, detector, selection, and the sizes of the Parquet files."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue

from poseharvest.arrays import ImageSize
from poseharvest.findings import CameraFault, Finding
from poseharvest.geometry.rig import Rig
from poseharvest.motion.error_times import ErrorTimes
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.rules import SelectionRule
from poseharvest.skeleton.skeleton import Limb, Skeleton

FORMAT_NAME: Final = "poseharvest harvest"
INFO_FILE: Final = "harvest.json"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True)


class CaptureInfo(_Section):
    """The footage."""

    name: str
    path: str | None = Field(description="its folder, absolute; None for a synthetic capture")
    frame_rate: FiniteFloat = Field(gt=0, description="frames per second")
    num_frames: int = Field(ge=0, description="frames of the footage, harvested or not")
    fingerprints: dict[str, dict[str, int | str]] = Field(
        default_factory=dict, description="what tells the footage of each view from any other; empty if not known"
    )
    timing: dict[str, JsonValue] | None = Field(
        default=None,
        description="which pictures belong to one moment, as keys of capture.toml (offsets, clock_rates, ...); None if "
        "it is not known",
    )


class DetectorInfo(_Section):
    """The 2D detector."""

    name: str
    heatmap_size: ImageSize = Field(description="(height, width) of its heatmaps")
    details: dict[str, JsonValue] = Field(
        default_factory=dict, description="what distinguishes it from others of its name"
    )


class PersonInfo(_Section):
    """One person of a harvest with several people."""

    person: int = Field(ge=0, description="the number in the column `person`")
    frames: int = Field(ge=1, description="frames in which the person was seen")
    first_frame: int = Field(ge=0)
    last_frame: int = Field(ge=0)
    limb_lengths_mm: dict[str, FiniteFloat] = Field(description='by "parent-child"')
    shells_mm: dict[str, FiniteFloat] = Field(description='radii of Eq. (2), by "parent-child"')
    refinement: dict[str, JsonValue] | None = Field(
        default=None, description="what was learned to place joints between the voxels; None for means of the grid"
    )
    uncertain_frames: tuple[tuple[int, int], ...] = Field(
        default=(), description="first and last frame of each range in which the identity may have changed"
    )
    measured_mm: dict[str, FiniteFloat] = Field(
        default_factory=dict, description="limbs that this capture shows well, as it alone shows them; by parent-child"
    )
    name_state: Literal["new", "known", "unsure"] = Field(
        default="new",
        description="the number is that of a known person of another trial, or a new one; unsure: a new one, since it "
        "is not sure enough who it is",
    )
    likely: dict[int, FiniteFloat] = Field(
        default_factory=dict, description="by the number of each known person, how likely it is that one"
    )


class KnownPersonInfo(_Section):
    """Somebody from another trial, with whom the people of this one were compared."""

    person: int = Field(ge=0)
    measured_mm: dict[str, FiniteFloat] = Field(description="the limbs that other trials show well, by parent-child")


class HandsInfo(_Section):
    """The hands of a harvest of one person. Their joints are rows as those of the body are."""

    joints: tuple[str, ...] = Field(description="those of both hands, behind the joints of the body")
    learned: bool = Field(description="False: too little is seen of hands, and none of their joints is supported")
    edge_mm: FiniteFloat | None = Field(default=None, description="of the cube around each hand")
    shells_mm: dict[str, FiniteFloat] = Field(
        default_factory=dict, description='radii of Eq. (2), by "parent-child", of either hand'
    )
    refinement: dict[str, JsonValue] | None = Field(
        default=None, description="what was learned to place joints of hands between the voxels"
    )
    frames: int = Field(ge=0, description="records of the person")
    frames_seen: dict[str, int] = Field(description="records in which two views show the hand, by side")
    exchanged: int = Field(ge=0, description="pictures in which a hand was called by the other side's name")
    elsewhere: int = Field(ge=0, description="pictures in which no hand starts at a wrist of the person")
    outside: int = Field(ge=0, description="keypoints of hands outside the window around their hand")


class HarvestRun(_Section):
    """The part of `harvest.json` that the harvester fills when it has finished."""

    capture: CaptureInfo
    detector: DetectorInfo
    limb_lengths_mm: dict[str, FiniteFloat] = Field(description='by "parent-child"; empty if `people` holds them')
    people: tuple[PersonInfo, ...] = Field(default=(), description="empty if only one person was requested")
    known_people: tuple[KnownPersonInfo, ...] = Field(
        default=(), description="the people of other trials with whom those of this one were compared"
    )
    refinement: dict[str, JsonValue] | None = Field(
        default=None,
        description="what was learned to place joints between the voxels, and what `sigma` rests on; None for means of "
        "the grid, and where `people` holds it",
    )
    hands: HandsInfo | None = Field(default=None, description="the hands; None if they were not asked for")
    options: dict[str, JsonValue] = Field(default_factory=dict, description="every option with its resolved value")
    seed: int | None = None
    request_sha256: str | None = Field(
        default=None,
        description="hash of all that the annotations depend on: footage, cameras, detector, options, versions; "
        "None in older harvests",
    )
    findings: tuple[Finding, ...] = Field(default=(), description="what the user should know, worst first")
    camera_faults: tuple[CameraFault, ...] = Field(
        default=(), description="cameras that are at fault; those that were left out are not among `views`"
    )
    diagnosed: bool = Field(
        default=False, description="True if `findings` contain the diagnosis of the annotations; older harvests lack it"
    )

    def is_calibrated(self, person: int) -> bool:
        """Return whether left-out views have told how large the errors of a person's joints are."""
        sections = [one.refinement for one in self.people if one.person == person] or [self.refinement]
        if self.hands is not None and self.hands.learned:
            sections.append(self.hands.refinement)
        return all(section is not None and section.get("calibrated") is True for section in sections)


class SkeletonInfo(_Section):
    """A skeleton as plain data."""

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...] = Field(description="(parent, child)")
    flip_pairs: tuple[tuple[str, str], ...] = Field(description="(left, right)")

    @classmethod
    def of(cls, skeleton: Skeleton) -> SkeletonInfo:
        """Return `skeleton` as plain data."""
        return cls(
            name=skeleton.name,
            joints=skeleton.joints,
            limbs=tuple((limb.parent, limb.child) for limb in skeleton.limbs),
            flip_pairs=skeleton.flip_pairs,
        )

    def skeleton(self) -> Skeleton:
        """Return the skeleton, checked."""
        return Skeleton(self.name, self.joints, tuple(Limb(*pair) for pair in self.limbs), self.flip_pairs)


class ViewInfo(_Section):
    """The name and picture size of a view."""

    name: str
    height: int = Field(gt=0, description="pixels")
    width: int = Field(gt=0, description="pixels")

    @property
    def image_size(self) -> ImageSize:
        """(height, width) of its pictures."""
        return (self.height, self.width)


class JointSelection(_Section):
    """The selection of one joint."""

    joint: str
    supported: int = Field(ge=0, description="rows that some camera sees")
    selected: int = Field(ge=0, description="selected rows: the best by the measure")
    threshold: FiniteFloat | None = Field(
        description="the worst selected measure; None if no row is selected or it is infinite"
    )


class PersonSelection(_Section):
    """The selection of the joints of one person, where there are several people."""

    person: int = Field(ge=0)
    joints: tuple[JointSelection, ...]


class TellingInfo(_Section):
    """How few poses tell nearly as much as all: sure ones, and unlike each other (`selection.telling_poses`)."""

    enough: int = Field(ge=0, description="poses, well chosen, that tell 95 % of what all of them do")
    poses: int = Field(ge=0, description="poses that were compared, spread evenly")


class SelectionInfo(_Section):
    """The selection of Sec. 3.3."""

    measure: str
    share: FiniteFloat = Field(ge=0, le=1)
    limit: FiniteFloat | None = Field(
        default=None,
        ge=1,
        description="largest width relative to the joint's most certain tenth; None: the share alone",
    )
    joints: tuple[JointSelection, ...] = Field(
        description="of all people together; a threshold is the worst of all people"
    )
    people: tuple[PersonSelection, ...] = Field(default=(), description="of each person, if there are several")
    largest_sigma_mm: dict[str, FiniteFloat] = Field(
        default_factory=dict, description="by joint, over its selected rows; joints without selected rows are left out"
    )
    telling: TellingInfo | None = Field(default=None, description="None in older harvests")

    @property
    def rule(self) -> SelectionRule:
        """The rule of this selection."""
        return SelectionRule(self.measure, self.share, self.limit)


class JointMotion(_Section):
    """What the smoothing learned of one joint of one person."""

    joint: str
    cutoff_hz: FiniteFloat = Field(gt=0, description="median over the frames; faster motion is taken for noise")
    process_noise: FiniteFloat = Field(ge=0, description="median power of the noise in the third derivative, mm^2/s^5")
    noise_factor: FiniteFloat = Field(gt=0, description="of the covariances, to match the errors that do not stay")


class PersonMotion(_Section):
    """What the smoothing learned of one person."""

    person: int = Field(ge=0)
    calibrated: bool = Field(
        default=False,
        description="the covariances are as large as the errors; if not, their size was learned from the track",
    )
    joints: tuple[JointMotion, ...] = Field(description="those with a smooth position")


class ErrorTimesInfo(_Section):
    """How the errors of single frames go together over time, as the distances of the views' peaks tell it."""

    constant_share: FiniteFloat = Field(default=0.0, ge=0, lt=1, description="share of the variance that stays")
    lasting_share: FiniteFloat = Field(default=0.0, ge=0, lt=1, description="share of the rest that lasts a while")
    rate: FiniteFloat = Field(default=0.0, ge=0, description="how fast that part changes, 1 / s; 0 if there is none")
    half_after_s: FiniteFloat = Field(default=0.0, ge=0, description="seconds after which its correlation is a half")

    @classmethod
    def of(cls, errors: ErrorTimes) -> ErrorTimesInfo:
        """Return them as plain data."""
        return cls(
            constant_share=errors.constant_share,
            lasting_share=errors.lasting_share,
            rate=errors.rate,
            half_after_s=errors.half_after_s,
        )

    def error_times(self) -> ErrorTimes:
        """Return them, checked."""
        return ErrorTimes(self.constant_share, self.lasting_share, self.rate)


class MotionInfo(_Section):
    """The smoothing over time."""

    model: str = "Kalman smoother; white noise drives the third derivative of each joint's position"
    longest_gap_s: FiniteFloat = Field(ge=0, description="longest time between two measured positions that is filled")
    longest_filled_s: FiniteFloat = Field(ge=0, description="the longest such time that was filled; 0 if none was")
    filled_records: int = Field(ge=0, description="poses in `filled/`: frames without a record")
    errors: ErrorTimesInfo = Field(default_factory=ErrorTimesInfo, description="how long the errors of frames last")
    people: tuple[PersonMotion, ...]


class FilmTile(_Section):
    """Where a view lies in the pictures of the film, pixels."""

    view: str
    left: int = Field(ge=0)
    top: int = Field(ge=0)
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class FilmInfo(_Section):
    """Small pictures of the frames, in `film/`: picture k is that of frame `first_frame` + k `step`."""

    first_frame: int = Field(ge=0)
    step: int = Field(ge=1, description="1: every frame of the harvest has a picture")
    pictures: int = Field(ge=1, description="their number, with a person or without")
    pictures_per_part: int = Field(ge=1, description="in each file; the last one may hold fewer")
    picture_rate: FiniteFloat = Field(gt=0, description="pictures per second")
    height: int = Field(gt=0, description="of a picture with all views, pixels")
    width: int = Field(gt=0, description="pixels")
    tiles: tuple[FilmTile, ...] = Field(description="the views, side by side")

    @property
    def num_parts(self) -> int:
        """The number of files."""
        return -(-self.pictures // self.pictures_per_part)

    @property
    def frames(self) -> range:
        """The frames that have pictures."""
        return range(self.first_frame, self.first_frame + self.pictures * self.step, self.step)


class Counts(_Section):
    """Sizes that a reader checks the Parquet files against."""

    frames: int = Field(ge=0, description="frames with at least one person")
    persons: int = Field(ge=0, description="different persons")
    records: int = Field(ge=0, description="rows of `frames/`: one per frame and person")
    records_per_part: tuple[int, ...]


class HarvestInfo(HarvestRun):
    """The complete content of `harvest.json`."""

    format: Literal["poseharvest harvest"] = FORMAT_NAME
    schema_version: int = Field(ge=1)
    created: str = Field(description="UTC, ISO 8601")
    versions: dict[str, str]
    skeleton: SkeletonInfo
    views: tuple[ViewInfo, ...]
    selection: SelectionInfo
    recalibration: Recalibration | None = Field(
        default=None, description="the map of the columns `scale` and `sigma`; None: the unchanged posterior"
    )
    motion: MotionInfo | None = Field(
        default=None, description="the smoothing over time; None if the frames do not follow one another"
    )
    film: FilmInfo | None = Field(default=None, description="small pictures of the frames; None if none were kept")
    counts: Counts


def views_of(rig: Rig) -> tuple[ViewInfo, ...]:
    """Return the pictures of the rig's cameras, in order."""
    return tuple(ViewInfo(name=c.name, height=c.image_size[0], width=c.image_size[1]) for c in rig)
