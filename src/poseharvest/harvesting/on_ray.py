"""Workers on a Ray cluster (https://docs.ray.io): the chunks of a harvest are Ray tasks.

Tasks, and not Ray Data: following is a chain in which each chunk goes on from the one before, and the blocks of a data
set know nothing of each other. Tasks, and not actors: Ray itself repeats a task whose process or machine died, also if
its result was lost after it had finished. A chunk is a pure function of its inputs, so it may be repeated at will.
"""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from poseharvest.capture.frames import fingerprints_of
from poseharvest.detectors.protocol import FileReader
from poseharvest.errors import ClusterError, ConfigError, HarvestError
from poseharvest.harvesting.chunks import CHUNK_FRAMES, FollowedChunk, HarvestedChunk, follow_chunk, infer_chunk
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.sighting_streams import Position
from poseharvest.harvesting.subject import Subject
from poseharvest.progress import Progress
from poseharvest.storage.record import as_plain, first_difference
from poseharvest.versions import current_versions

if TYPE_CHECKING:
    from types import ModuleType

_MOST_DEATHS = 10
"""How often Ray repeats a task whose process or machine died, before the harvest ends with an error."""

_GPU_SHARE = 0.5  # of a GPU for a task: one follows on it, and another one infers
_LOOK_EVERY_S = 30.0
_LOOKS_WITHOUT_WORKERS = 10  # before the harvest ends, since no machine of the cluster is left
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class RayWorkers:
    """The machines of the Ray cluster that this process is connected to; `ray_workers` connects it.

    All of them see the footage under the same path and have the same versions of the package and its libraries.

    Attributes:
        chunk_frames: frames of a chunk, 1 or more; they are rounded up to whole batches.

    Raises:
        ConfigError: it is less than 1.
    """

    chunk_frames: int = CHUNK_FRAMES

    def __post_init__(self) -> None:
        if self.chunk_frames < 1:
            raise ConfigError(f"chunk_frames: expected 1 or more, got {self.chunk_frames}")

    def check(self, job: Job) -> None:
        """Check that the cluster can take the harvest.

        Raises:
            ClusterError: it has no GPU though the options ask for one.
            ConfigError: the detector or the footage cannot be sent to other processes.
        """
        ray = import_ray()
        pack(ray, job)
        resource = _resource_of(job)
        if ray.cluster_resources().get(resource, 0) < 1:
            device = job.options.device
            raise ClusterError(f'--ray: expected a cluster with a {resource} for device "{device}", got none')

    @contextmanager
    def open(self, job: Job, subject: Subject, position: Position | None) -> Iterator[_Pool]:
        """Bring the inputs of a harvest to the cluster; at the end, whatever is still given out is called back.

        Args:
            job: the harvest.
            subject: the person.
            position: of the first sighting; None is the harvest's start.
        """
        pool = _Pool(import_ray(), job, subject, position)
        try:
            yield pool
        finally:
            pool.call_back()


@contextmanager
def ray_workers(address: str, chunk_frames: int = CHUNK_FRAMES) -> Iterator[RayWorkers]:
    """Connect this process to a Ray cluster. Signals are handled as before, which Ray would change.

    Args:
        address: "local" starts Ray on this machine alone; "auto" finds the cluster that this machine is part of; or
            HOST:PORT of a cluster's head.
        chunk_frames: frames of a chunk, 1 or more.

    Raises:
        ClusterError: there is no such cluster.
        ConfigError: Ray is not installed, or a value is wrong.
    """
    workers = RayWorkers(chunk_frames)
    ray = import_ray()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        ray.init(
            address,
            include_dashboard=False if address == "local" else None,
            log_to_driver=False,
            logging_level="warning",
        )
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise ClusterError(f'--ray: cannot connect to "{address}": {_first_line(error)}') from error
    for number, handler in handlers.items():
        with suppress(ValueError):  # not in the main thread
            signal.signal(number, handler)
    try:
        yield workers
    finally:
        ray.shutdown()


@dataclass(frozen=True)
class World:
    """What must be the same wherever a harvest runs."""

    folder: str
    versions: dict[str, Any]
    footage: dict[str, Any]
    keypoints: dict[str, Any]

    @classmethod
    def of(cls, job: Job) -> World:
        """Return what this process has and sees."""
        versions = {name: version for name, version in current_versions().items() if name != "python"}
        footage = {name: dict(one) for name, one in fingerprints_of(job.capture).items()}
        keypoints = job.detector.fingerprint if isinstance(job.detector, FileReader) else {}
        return cls(str(Path.cwd()), as_plain(versions), as_plain(footage), as_plain(keypoints))

    def check(self, job: Job) -> None:
        """Raise ClusterError if this process has other versions or other footage than the one that began."""
        here = World.of(job)
        for what in ("versions", "footage", "keypoints"):
            difference = first_difference(getattr(self, what), getattr(here, what))
            if difference is not None:
                difference = difference.replace(", asked for is ", ", there ")
                raise ClusterError(
                    f"--ray: the worker on {platform.node()} has other {what} than the command: here {difference}"
                )


@dataclass(frozen=True, eq=False)
class _Inputs:
    """A reference to the packed inputs of a harvest. In an object of ours, so that Ray does not fetch it for each task.

    Attributes:
        key: of the harvest.
        packed: the reference.
    """

    key: str
    packed: Any


class _Pool:
    """A harvest on a cluster."""

    def __init__(self, ray: ModuleType, job: Job, subject: Subject, position: Position | None) -> None:
        self._ray, self._resource = ray, _resource_of(job)
        self._inputs = _Inputs(uuid4().hex, ray.put(pack(ray, job)))
        self._subject = ray.put(subject)
        amount = {"num_gpus": _GPU_SHARE} if self._resource == "GPU" else {"num_cpus": 1}
        self._follow = ray.remote(_follow).options(max_retries=_MOST_DEATHS, num_returns=2, **amount)
        self._infer = ray.remote(_infer).options(max_retries=_MOST_DEATHS, **amount)
        self._position: Any = position  # or a reference to it
        self._pending: list[Any] = []

    @property
    def most_pending(self) -> int:
        """Twice as many as are harvested at once, so that no worker waits."""
        return 2 * max(1, self._num_workers())

    def submit(self, frames: range) -> Callable[[], HarvestedChunk]:
        """Give out the chunk after the last one, and return what waits for it."""
        followed, self._position = self._follow.remote(self._inputs, frames, self._position)
        result = self._infer.remote(self._inputs, self._subject, followed)
        self._pending.append(result)

        def wait() -> HarvestedChunk:
            harvested = self._result(result, frames)
            self._pending.remove(result)
            return harvested

        return wait

    def call_back(self) -> None:
        """Stop what is still given out."""
        for result in self._pending:
            with suppress(self._ray.exceptions.RayError):
                self._ray.cancel(result, force=True, recursive=True)
        self._pending.clear()

    def _num_workers(self) -> int:
        share = _GPU_SHARE if self._resource == "GPU" else 1
        return int(self._ray.cluster_resources().get(self._resource, 0) / share)

    def _wait(self, result: Any) -> None:
        """Wait for a result as long as there are machines that may make it."""
        num_looks = 0
        while not self._ray.wait([result], timeout=_LOOK_EVERY_S, fetch_local=False)[0]:
            num_looks = 0 if self._num_workers() else num_looks + 1
            if num_looks > _LOOKS_WITHOUT_WORKERS:
                raise ClusterError(f"--ray: expected machines with a {self._resource}, none is left in the cluster")

    def _result(self, result: Any, frames: range) -> HarvestedChunk:
        try:
            self._wait(result)
            harvested: HarvestedChunk = self._ray.get(result)
        except self._ray.exceptions.RayTaskError as error:
            cause = error
            # An error of following comes within one of inference.
            while isinstance(cause, self._ray.exceptions.RayTaskError):
                cause = cause.cause
            raise cause if isinstance(cause, HarvestError) else error from None
        except self._ray.exceptions.RayError as error:
            raise ClusterError(
                f"--ray: the worker of frames {frames.start} to {frames.stop} failed: {_first_line(error)}"
            ) from error
        return harvested


def import_ray() -> ModuleType:
    """Return the module `ray`.

    Raises:
        ConfigError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray reports its use over the internet
    try:
        import ray
    except ImportError as error:
        raise ConfigError("--ray: needs Ray: pip install poseharvest[ray]") from error
    module: ModuleType = ray
    return module


def _resource_of(job: Job) -> str:
    return "GPU" if job.options.device.startswith("cuda") else "CPU"


def pack(ray: ModuleType, job: Job) -> bytes:
    """Return the inputs of a harvest as bytes, for workers of the same version.

    Raises:
        ConfigError: they hold something that cannot be sent to another process.
    """
    try:
        content: bytes = ray.cloudpickle.dumps((replace(job, on_progress=_ignore), World.of(job)))
    except (TypeError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"--ray: detector {job.detector.name} or footage {job.capture.name} cannot be sent to workers: {error}"
        ) from error
    return content


def _follow(inputs: _Inputs, frames: range, position: Position | None) -> tuple[FollowedChunk, Position]:
    """Follow the person in a chunk, in a worker."""
    return follow_chunk(_unpacked(inputs), frames, position)


def _infer(inputs: _Inputs, subject: Subject, chunk: FollowedChunk) -> HarvestedChunk:
    """Infer the poses of a chunk, in a worker."""
    return infer_chunk(_unpacked(inputs), subject, chunk)


_unpacked_last: list[tuple[str, Job]] = []


def _unpacked(inputs: _Inputs) -> Job:
    """Return the inputs of a harvest; a worker unpacks them once.

    Raises:
        ClusterError: this worker has other versions or other footage.
    """
    if not _unpacked_last or _unpacked_last[0][0] != inputs.key:
        ray = import_ray()
        job, world = ray.cloudpickle.loads(ray.get(inputs.packed))
        with suppress(OSError):  # paths may be relative; a machine without the folder says which file is missing
            os.chdir(world.folder)
        world.check(job)
        _unpacked_last[:] = [(inputs.key, job)]
    return _unpacked_last[0][1]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _ignore(progress: Progress) -> None:
    """Ignore progress: it is reported where the harvest began."""
