"""Every choice of training a 3D network, with its default and the paper's value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from poseharvest.errors import ConfigError
from poseharvest.learning.loop.training_options import TrainingOptions


@dataclass(frozen=True)
class RegressionOptions:
    """How a 3D network is trained from scratch."""

    training: TrainingOptions = field(default_factory=lambda: TrainingOptions(epochs=50, warm_up_steps=20))
    """The training; the paper does not say for how long. RMSprop 2.5e-4 and batches of 4 are its 2D recipe."""

    all_joints: bool = False
    """Learn the joints that are not selected as well; Sec. 4.5 takes "high-quality annotations"."""

    weighted: bool = False
    """Learn all joints, each as much as its place is certain, and rare postures as much as frequent ones."""

    features: int = 128
    """Channels inside a residual block of the hourglass; the published ones have 128."""

    input_px: int = 256
    """Side of the network's pictures, a multiple of 64; the published hourglasses take 256."""

    held_out: float = 0.1
    """Share of every harvest's frames, the last ones, that are not learned from: the curve has the errors there."""

    min_pictures: int = 16
    """Fewer pictures with labels are an error."""

    max_pictures: int = 40000
    """More pictures are thinned out evenly; each takes 0.6 MB on the disk while the network learns."""

    def __post_init__(self) -> None:
        if not 0 <= self.held_out < 1:
            raise ConfigError(f"held_out: expected a share of 0 to below 1, got {self.held_out}")
        if self.weighted and self.all_joints:
            raise ConfigError("weighted, all_joints: expected one of them: weighted learns all joints as well")
        if self.training.batch_size < 2:
            raise ConfigError(f"batch_size: expected 2 or more for batch norm, got {self.training.batch_size}")
        if self.training.distillation:
            weight = self.training.distillation
            raise ConfigError(f"distillation: expected 0, as there is no earlier 3D network to hold to, got {weight}")
        if self.features < 1:
            raise ConfigError(f"features: expected 1 or more, got {self.features}")
        if self.input_px < 64 or self.input_px % 64:
            raise ConfigError(f"input_px: expected a multiple of 64, got {self.input_px}")
        if not 1 <= self.min_pictures <= self.max_pictures:
            raise ConfigError(
                f"min_pictures, max_pictures: expected 1 or more and no less, got {self.min_pictures}, "
                f"{self.max_pictures}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return every option in plain data."""
        return asdict(self)
