"""Every choice of a harvest, with its default and the paper's value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from poseharvest.devices import check_device
from poseharvest.errors import ConfigError
from poseharvest.motion.motion_options import MotionOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.selection.rules import SelectionRule

if TYPE_CHECKING:
    from poseharvest.selection.recalibration import Recalibration

Estimate = Literal["continuous", "grid"]
"""Where a pose ends: between the voxels (choice D17), or at the mean of the marginals (the paper)."""

MIN_FILM_PX, MAX_FILM_PX = 64, 1280


@dataclass(frozen=True)
class HarvestOptions:
    """How a harvest is made."""

    inference: InferenceOptions = field(default_factory=InferenceOptions)
    """The 3D pictorial structures (Sec. 3.2)."""

    selection: SelectionRule = field(default_factory=SelectionRule)
    """Which joints become annotations (Sec. 3.3): 70 % of each joint by det(cov) in the paper."""

    recalibration: Recalibration | None = None
    """Map that calibrates the covariances, fitted on footage with known truth; None leaves them unchanged."""

    motion: MotionOptions = field(default_factory=MotionOptions)
    """How tracks are smoothed over time, beside the raw positions. The paper reads each frame alone."""

    estimate: Estimate = "continuous"
    """"continuous" fits the pose between the voxels, with covariances that the footage calibrates; "grid" keeps mean
    and covariance of the marginals, as in the paper."""

    warm_up_frames: int = 128
    """Number of first frames from which a subject is learned. With one person, an eighth as many frames in each of
    three later places are added (`teachers`). The paper reads the lengths of limbs from ground truth."""

    people: int | None = 1
    """People to harvest at once. With 1 it is the person on whom most views agree; None harvests all people."""

    follow: str | None = None
    """Whom to harvest of several people: "longest" for who is longest in view, or VIEW:X,Y for who is at this point."""

    hands: bool = False
    """Harvest the joints of both hands as well: each wrist gets a small cube and a tree of its own. For one person, by
    keypoint files that hold hands or a whole-body network. The paper has no hands."""

    moments: bool | None = None
    """True if frames do not follow one another: every frame stands alone. None detects it from keypoint files."""

    start: int = 0
    """First frame."""

    stop: int | None = None
    """Frame before which to stop; None is the end."""

    num_previews: int = 8
    """Number of frames whose pictures the report shows, spread evenly."""

    film_px: int | None = None
    """Longer side of the small pictures of all frames that the report plays, as a film; 0 keeps no film. None is 320
    where a network reads the pictures anyway; with keypoint files it is 0, since the footage would be read for the film
    alone. Without `num_previews` there is no film."""

    ignore_audit: bool = False
    """Harvest although the audit found an error, for example a wrong unit of length."""

    keep_cameras: bool = False
    """Harvest with every camera, also with one that is plainly at fault; False leaves that one out and says so."""

    device: str = "cpu"
    """Device of the 3D inference; the detector has its own."""

    def __post_init__(self) -> None:
        if self.people is not None and self.people < 1:
            raise ConfigError(f"people: expected 1 or more, or all (None) for everybody, got {self.people}")
        self._check_follow()
        self._check_hands()
        if self.estimate not in get_args(Estimate):
            raise ConfigError(f'estimate: expected "continuous" or "grid", got "{self.estimate}"')
        if self.warm_up_frames < 3:
            raise ConfigError(f"warm_up_frames: expected at least 3, got {self.warm_up_frames}")
        if self.start < 0 or (self.stop is not None and self.stop <= self.start):
            raise ConfigError(f"frames: expected a range, got {self.start} to {self.stop} (--start, --stop)")
        if self.num_previews < 0:
            raise ConfigError(f"num_previews: expected 0 or more, got {self.num_previews}")
        self._check_film()
        check_device(self.device)

    def _check_film(self) -> None:
        if not self.film_px:
            return
        if not MIN_FILM_PX <= self.film_px <= MAX_FILM_PX:
            raise ConfigError(
                f"film_px: expected 0, or {MIN_FILM_PX} to {MAX_FILM_PX} pixels, got {self.film_px} (--film-pixels)"
            )
        if self.num_previews == 0:
            raise ConfigError(
                f"film_px: expected no film where no pictures are kept (--report-pictures 0), got {self.film_px} "
                "(--film-pixels)"
            )

    def _check_hands(self) -> None:
        if self.hands and (self.people != 1 or self.moments):
            got = "moments" if self.moments else "several people"
            raise ConfigError(f"hands: expected one person in frames in a row, got {got}: leave --hands out")

    def _check_follow(self) -> None:
        if self.follow is None:
            return
        from poseharvest.localization.follow.whom_to_follow import parse_follow

        parse_follow(self.follow)
        if self.people != 1 or self.moments:
            raise ConfigError("follow: expected one person in frames in a row, got several people or moments")

    def as_dict(self) -> dict[str, Any]:
        """Return every option but the recalibration as plain data, for `harvest.json`."""
        options = asdict(self)
        options.pop("recalibration")
        return options
