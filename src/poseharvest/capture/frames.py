"""One synchronised moment of a capture, the interface of a source of such moments, and threads that run ahead in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from poseharvest.arrays import Image
from poseharvest.findings import Finding
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class MultiViewFrame:
    """The pictures of one moment.

    Attributes:
        index: frame number, from 0.
        time_s: seconds from the capture's start.
        images: one (H, W, 3) RGB uint8 picture per view, in rig order; None where the view has no picture.
        numbers: for each view the index of its picture within the view, from 0, or -1 for none. None if all are equal
            to `index`.
    """

    index: int
    time_s: float
    images: tuple[Image | None, ...]
    numbers: tuple[int, ...] | None = None

    def number(self, view: int) -> int:
        """Return the index of the picture within the view, from 0; -1 if it has no picture."""
        return self.index if self.numbers is None else self.numbers[view]


@dataclass(frozen=True)
class ViewPictures:
    """The numbering of the pictures of one view, for files that are made from them.

    Attributes:
        view: name of the view.
        count: number of its pictures, which are numbered from 0.
        names: file name of each picture without suffix, if the pictures are files.
        lead: number of the frame minus number of the picture, at the start of the view.
    """

    view: str
    count: int
    names: tuple[str, ...] | None = None
    lead: int = 0


class FrameSource(Protocol):
    """A capture, real or synthetic."""

    @property
    def name(self) -> str:
        """The capture's name."""
        ...

    @property
    def rig(self) -> Rig:
        """Its cameras; `frames()` gives pictures in this order."""
        ...

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        ...

    @property
    def num_frames(self) -> int:
        """Number of frames that `frames()` gives."""
        ...

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the moments `start` to `stop` (exclusive) in order."""
        ...


@runtime_checkable
class SparingSource(Protocol):
    """A capture that can leave pictures out, so that they need not be decoded."""

    def frames_showing(
        self, shown: Collection[int], start: int = 0, stop: int | None = None
    ) -> Iterator[MultiViewFrame]:
        """Stream the moments as `frames` does, with pictures only in the frames whose numbers are in `shown`."""
        ...


def frames_showing(
    capture: FrameSource, shown: Collection[int], start: int = 0, stop: int | None = None
) -> Iterator[MultiViewFrame]:
    """Stream the moments `start` to `stop` (exclusive) in order, for a caller who looks at few of the pictures.

    Args:
        capture: the footage. If it is no `SparingSource`, all frames have their pictures.
        shown: numbers of the frames whose pictures are needed.
        start: the first frame.
        stop: frame before which to stop; the end of the capture if None.
    """
    if isinstance(capture, SparingSource):
        return capture.frames_showing(shown, start, stop)
    return capture.frames(start, stop)


@runtime_checkable
class PictureSource(Protocol):
    """A capture that knows the numbering of the pictures of its views."""

    @property
    def view_pictures(self) -> tuple[ViewPictures, ...]:
        """The numbering of the pictures of every view, in rig order."""
        ...


def pictures_of(capture: FrameSource) -> tuple[ViewPictures, ...]:
    """Return the numbering of the pictures of every view, in rig order; by default one picture per frame."""
    if isinstance(capture, PictureSource):
        return capture.view_pictures
    return tuple(ViewPictures(name, capture.num_frames) for name in capture.rig.names)


@runtime_checkable
class FingerprintedSource(Protocol):
    """A capture that can tell its footage from other footage."""

    @property
    def fingerprints(self) -> Mapping[str, Mapping[str, int | str]]:
        """What tells the footage of each view from any other, as plain data by name of the view."""
        ...


def fingerprints_of(capture: FrameSource) -> dict[str, dict[str, int | str]]:
    """Return what tells the footage of each view from any other, as plain data; empty if it is not known."""
    known = capture.fingerprints if isinstance(capture, FingerprintedSource) else {}
    return {view: dict(fingerprint) for view, fingerprint in known.items()}


@dataclass(frozen=True)
class CaptureFacts:
    """Facts about a capture beyond its pictures; every field may be unknown.

    Attributes:
        folder: its folder.
        unit: the unit of length of its calibration file.
        turn: turn of the pictures after which people stand upright, in degrees clockwise, for all views or by view.
        findings: findings about footage, calibration and timing; None if they were not checked.
        timing: which pictures belong to one moment, as `capture.settings.timing_of` has it; None if it is not known.
        picture_lags_s: how much later than the frames the pictures of each view were taken, in the median, seconds.
    """

    folder: Path | None = None
    unit: LengthUnit | None = None
    turn: int | Mapping[str, int] | None = None
    findings: tuple[Finding, ...] | None = None
    timing: Mapping[str, Any] | None = None
    picture_lags_s: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class FactSource(Protocol):
    """A capture that knows facts about itself."""

    @property
    def facts(self) -> CaptureFacts:
        """The facts about the capture."""
        ...


def facts_of(capture: FrameSource) -> CaptureFacts:
    """Return the facts about a capture; all unknown if it is not a `FactSource`."""
    return capture.facts if isinstance(capture, FactSource) else CaptureFacts()


@dataclass(frozen=True)
class _End:
    """The marker at the end of a source."""


def prefetch(sources: Sequence[Generator[T, None, None]], *, depth: int) -> Generator[tuple[T, ...], None, None]:
    """Yield tuples of one item per source, while threads compute the next `depth` items of each.

    When the generator is closed or fails, it first stops the threads and closes the sources. An error in a source is
    raised here, at the item that failed. At most `depth` + 2 items of a source exist at the same time.

    Args:
        sources: generators; the result is as long as the shortest. Each one runs in only one thread.
        depth: number of items to compute ahead, at least 1.
    """
    with ExitStack() as stack:
        queues = [stack.enter_context(_Ahead(source, depth)) for source in sources]
        while True:
            items = [queue.next() for queue in queues]
            whole = tuple(item for item in items if not isinstance(item, _End))
            if len(whole) < len(items):
                return
            yield whole


class _Ahead(Generic[T]):
    """One source and the thread that runs ahead in it."""

    def __init__(self, source: Generator[T, None, None], depth: int) -> None:
        self._source = source
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="poseharvest-decode")
        self._ahead: deque[Future[T | _End]] = deque(self._submit() for _ in range(depth))

    def __enter__(self) -> _Ahead[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._source.close()

    def next(self) -> T | _End:
        """Return the next item, and start the computation of another one."""
        item = self._ahead.popleft().result()
        self._ahead.append(self._submit())
        return item

    def _submit(self) -> Future[T | _End]:
        return self._executor.submit(next, self._source, _End())
