"""What `harvest.json` holds: what ran on what, how it was selected, and what the Parquet files must contain."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue

from poseharvest.arrays import ImageSize
from poseharvest.findings import Finding
from poseharvest.geometry.rig import Rig
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.select import SelectionRule
from poseharvest.skeleton.skeleton import Limb, Skeleton

FORMAT_NAME: Final = "poseharvest harvest"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True)


class CaptureInfo(_Section):
    """The footage."""

    name: str
    path: str | None = Field(description="where it lay; None for a synthetic capture")
    frame_rate: FiniteFloat = Field(gt=0, description="frames per second")
    num_frames: int = Field(ge=0, description="frames of the footage, harvested or not")


class DetectorInfo(_Section):
    """The 2D detector."""

    name: str
    heatmap_size: ImageSize = Field(description="(height, width) of its heatmaps")
    details: dict[str, JsonValue] = Field(default_factory=dict, description="what tells it from another of its name")


class PersonInfo(_Section):
    """One of the people of a harvest of several."""

    person: int = Field(ge=0, description="the number in the column `person`")
    frames: int = Field(ge=1, description="frames in which the person was seen")
    first_frame: int = Field(ge=0)
    last_frame: int = Field(ge=0)
    limb_lengths_mm: dict[str, FiniteFloat] = Field(description='by "parent-child"')
    shells_mm: dict[str, FiniteFloat] = Field(description="radii of Eq. (2), likewise")
    uncertain_frames: tuple[tuple[int, int], ...] = Field(
        default=(), description="first and last of each run of frames in which this may have become another person"
    )


class HarvestRun(_Section):
    """What the harvester knows when it is done: the part of `harvest.json` that no one else can fill."""

    capture: CaptureInfo
    detector: DetectorInfo
    limb_lengths_mm: dict[str, FiniteFloat] = Field(description='by "parent-child"; empty where `people` has them')
    people: tuple[PersonInfo, ...] = Field(default=(), description="where several were asked for")
    options: dict[str, JsonValue] = Field(default_factory=dict, description="every option, resolved")
    seed: int | None = None
    findings: tuple[Finding, ...] = Field(default=(), description="what a person should know, worst first")
    diagnosed: bool = Field(
        default=False, description="`findings` hold what the annotations themselves show; older harvests lack that"
    )


class SkeletonInfo(_Section):
    """A skeleton in plain data."""

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...] = Field(description="(parent, child)")
    flip_pairs: tuple[tuple[str, str], ...] = Field(description="(left, right)")

    @classmethod
    def of(cls, skeleton: Skeleton) -> SkeletonInfo:
        """Return `skeleton` in plain data."""
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
    """A camera's picture."""

    name: str
    height: int = Field(gt=0, description="pixels")
    width: int = Field(gt=0, description="pixels")

    @property
    def image_size(self) -> ImageSize:
        """(height, width) of its pictures."""
        return (self.height, self.width)


class JointSelection(_Section):
    """How one joint was selected."""

    joint: str
    supported: int = Field(ge=0, description="rows that some camera sees")
    selected: int = Field(ge=0, description="rows selected, the best by the measure")
    threshold: FiniteFloat | None = Field(description="the worst measure selected; None if none was, or if infinite")


class PersonSelection(_Section):
    """How the joints of one of several people were selected."""

    person: int = Field(ge=0)
    joints: tuple[JointSelection, ...]


class SelectionInfo(_Section):
    """The selection of Sec. 3.3."""

    measure: str
    share: FiniteFloat = Field(ge=0, le=1)
    limit: FiniteFloat | None = Field(
        default=None,
        ge=1,
        description="how many times as wide as the joint's most certain tenth; None: the share alone",
    )
    joints: tuple[JointSelection, ...] = Field(description="of everybody together; a threshold is the worst of anybody")
    people: tuple[PersonSelection, ...] = Field(default=(), description="of each on their own, where there are several")
    largest_sigma_mm: dict[str, FiniteFloat] = Field(
        default_factory=dict, description="by joint, of the selected rows; a joint without one is left out"
    )

    @property
    def rule(self) -> SelectionRule:
        """The rule by which it was made."""
        return SelectionRule(self.measure, self.share, self.limit)


class Counts(_Section):
    """Sizes that a reader checks the Parquet files against."""

    frames: int = Field(ge=0, description="frames with at least one person")
    persons: int = Field(ge=0, description="different persons")
    records: int = Field(ge=0, description="rows of `frames/`: one per frame and person")
    records_per_part: tuple[int, ...]


class HarvestInfo(HarvestRun):
    """All of `harvest.json`."""

    format: Literal["poseharvest harvest"] = FORMAT_NAME
    schema_version: int = Field(ge=1)
    created: str = Field(description="UTC, ISO 8601")
    versions: dict[str, str]
    skeleton: SkeletonInfo
    views: tuple[ViewInfo, ...]
    selection: SelectionInfo
    recalibration: Recalibration | None = Field(
        default=None, description="the map behind the columns `scale` and `sigma`; None: the posterior as it is"
    )
    counts: Counts


def views_of(rig: Rig) -> tuple[ViewInfo, ...]:
    """Return the pictures of the rig's cameras, in order."""
    return tuple(ViewInfo(name=c.name, height=c.image_size[0], width=c.image_size[1]) for c in rig)
