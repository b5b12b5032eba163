"""Filming subjects of the studio: footage on the disk as from a real rig, and the truth for the judge alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from poseharvest.capture.capture import Capture
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.capture.settings import SETTINGS_NAME
from poseharvest.errors import ConfigError
from poseharvest.geometry.rig import Rig
from poseharvest.progress import OnProgress, Progress
from poseharvest.simulation.camera_rigs import studio_rig_at_origin
from poseharvest.simulation.scene import GroundTruth
from poseharvest.storage.staging import StagedFolder
from poseharvest.studio import CaptureOptions, Shoot, studio_capture, write_capture


@dataclass(frozen=True)
class Filming:
    """How a subject is filmed."""

    world: str = "target"
    """The appearance world; generic networks have seen the other one."""

    num_frames: int = 30
    """Of every action."""

    frame_rate: float = 5.0
    """Frames per second; at a low rate few frames show much motion."""

    scale: float = 0.5
    """Of Human3.6M's pictures, 1000 pixels a side: a person is then about 250 pixels tall."""

    device: str = "cpu"
    """Where pictures are drawn."""

    def __post_init__(self) -> None:
        if self.num_frames < 4:
            raise ConfigError(f"frames: expected 4 or more of every action, got {self.num_frames}")

    def as_dict(self) -> dict[str, Any]:
        """Return what decides the pictures, in plain data."""
        return {name: value for name, value in asdict(self).items() if name != "device"}


@dataclass(frozen=True, eq=False)
class Take:
    """One action of one subject.

    Attributes:
        action: its name.
        capture: the footage, as a harvest takes it.
        truth: to judge by; it is never given to harvesting or learning.
    """

    action: str
    capture: FrameSource
    truth: GroundTruth


@dataclass(frozen=True, eq=False)
class _ReportingCapture:
    """A capture that reports how far it has been read."""

    source: FrameSource
    on_progress: OnProgress

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def rig(self) -> Rig:
        return self.source.rig

    @property
    def frame_rate(self) -> float:
        return self.source.frame_rate

    @property
    def num_frames(self) -> int:
        return self.source.num_frames

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        for frame in self.source.frames(start, stop):
            yield frame
            self.on_progress(Progress(frame.index + 1, self.num_frames, f"filming {self.name}"))


def shoot(subject: int, action: str, seed: int, filming: Filming) -> Shoot:
    """Return an action of a subject before Human3.6M's cameras, with its truth; pictures are drawn when asked for.

    Raises:
        ConfigError: there is no such world or action.
    """
    options = CaptureOptions(studio_rig_at_origin(filming.scale), filming.frame_rate, filming.device)
    return studio_capture(filming.world, subject, action, filming.num_frames, seed, options)


def film(
    subject: int, action: str, seed: int, folder: Path, *, filming: Filming, on_progress: OnProgress | None = None
) -> Take:
    """Return an action of a subject, filmed into `folder` unless it was filmed before.

    Args:
        subject: who; the same number has the same body and wears the same clothes.
        action: one of the paper's fifteen by name.
        seed: of the motion, the room, the light and the cameras' noise.
        folder: the capture: pictures, `rig.json` and `capture.toml`. It appears as a whole or not at all.
        filming: how.
        on_progress: called after every frame.

    Raises:
        ConfigError: there is no such world or action.
        StoreError: the folder cannot be written.
    """
    take = shoot(subject, action, seed, filming)
    if not folder.is_dir():
        staged = StagedFolder(folder, replaceable=None)
        try:
            source = take.capture if on_progress is None else _ReportingCapture(take.capture, on_progress)
            # Pictures, since an encoder of video does not give the same file every time.
            write_capture(source, staged.path, footage="images")
            settings = f"frame_rate = {filming.frame_rate}\nturn = 0\n"  # the studio's cameras stand upright
            (staged.path / SETTINGS_NAME).write_text(settings, encoding="utf-8")
            staged.commit()
        finally:
            staged.discard()
    return Take(action, Capture.open(folder), take.truth)
