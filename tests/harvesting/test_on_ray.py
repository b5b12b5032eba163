"""Harvests on a Ray cluster: those of a single process, also when workers and machines die."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from poseharvest.errors import CaptureError, ClusterError, ConfigError
from poseharvest.harvesting import HarvestOptions, RayWorkers, harvest, on_ray, ray_workers
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.sighting_streams import Position, person_tracker
from poseharvest.harvesting.subject import Subject
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.progress import Progress
from poseharvest.simulation import Simulation, simulate
from poseharvest.skeleton.limb_lengths import LimbLengths
from spread_kit import largest_difference_mm

OPTIONS = HarvestOptions(inference=InferenceOptions(resolution=16), warm_up_frames=10, num_previews=3)
NUM_FRAMES = 64


@pytest.fixture(scope="module")
def walk() -> Simulation:
    return simulate(NUM_FRAMES, 3, render=False)


def job_of(walk: Simulation) -> Job:
    return Job(walk.capture, walk.detector, OPTIONS, None, None, lambda _: None)


def test_without_ray_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"needs Ray: pip install poseharvest\[ray\]"), ray_workers("local"):
        pass


def test_a_chunk_has_a_frame() -> None:
    with pytest.raises(ConfigError, match="chunk_frames: expected 1 or more, got 0"):
        RayWorkers(chunk_frames=0)


def test_a_worker_of_another_version_or_with_other_footage_is_named(walk: Simulation) -> None:
    here = on_ray.World.of(job_of(walk))
    here.check(job_of(walk))
    for other, difference in (
        (replace(here, versions={**here.versions, "torch": "0.1"}), "other versions than the command: here torch 0.1"),
        (replace(here, footage={"cam0": {"bytes": 7}}), "other footage than the command: here cam0"),
        (replace(here, keypoints={"files": 9}), "other keypoints than the command: here files"),
    ):
        with pytest.raises(ClusterError, match=difference):
            other.check(job_of(walk))


def test_what_cannot_be_sent_to_workers_is_named(walk: Simulation) -> None:
    ray = pytest.importorskip("ray")
    job = replace(job_of(walk), detector=replace(walk.detector))
    object.__setattr__(job.detector, "lock", threading.Lock())
    with pytest.raises(ConfigError, match="detector simulated or footage synthetic cannot be sent to workers"):
        on_ray.pack(ray, job)


@pytest.fixture(scope="module")
def alone(walk: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The harvest of a single process."""
    return harvest(walk.capture, walk.detector, tmp_path_factory.mktemp("alone") / "h", options=OPTIONS).path


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """A head without processors and two machines of one processor each, all of them processes here."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    cluster.add_node(num_cpus=1)
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.slow
@pytest.mark.long
def test_a_cluster_makes_the_harvest_of_a_single_process(
    walk: Simulation, alone: Path, cluster: object, tmp_path: Path
) -> None:
    made = harvest(walk.capture, walk.detector, tmp_path / "h", options=OPTIONS, workers=RayWorkers(16))
    assert largest_difference_mm(made.path, alone) == 0


@pytest.mark.slow
@pytest.mark.long
def test_a_cluster_without_a_gpu_is_named(walk: Simulation, cluster: object, tmp_path: Path) -> None:
    options = replace(OPTIONS)
    object.__setattr__(options, "device", "cuda")
    with pytest.raises(ClusterError, match='expected a cluster with a GPU for device "cuda", got none'):
        harvest(walk.capture, walk.detector, tmp_path / "h", options=options, workers=RayWorkers(16))


@pytest.mark.slow
@pytest.mark.long
def test_an_error_of_a_worker_is_ours(walk: Simulation, cluster: object) -> None:
    """The inference that waits for the chunk passes it on."""
    job = job_of(walk)
    subject = Subject(LimbLengths({}), LimbLengths({}))
    position = Position(-16, 0, person_tracker(job).state)
    with (
        RayWorkers(16).open(job, subject, position) as pool,
        pytest.raises(CaptureError, match="expected frames within 0 to 64, got -16"),
    ):
        pool.submit(range(-16, 0))()


@pytest.mark.slow
@pytest.mark.long
def test_killed_workers_lose_nothing(walk: Simulation, alone: Path, cluster: object, tmp_path: Path) -> None:
    """Each of them is killed once, in the middle of what it does."""
    killed = set[int]()

    def kill() -> None:
        deadline = time.monotonic() + 300
        while len(killed) < 2 and time.monotonic() < deadline:
            for worker in _workers_at_work() - killed:
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
            time.sleep(0.5)

    killer = threading.Thread(target=kill)
    killer.start()
    made = harvest(walk.capture, walk.detector, tmp_path / "h", options=OPTIONS, workers=RayWorkers(16))
    killer.join()
    assert len(killed) >= 2
    assert largest_difference_mm(made.path, alone) == 0


@pytest.mark.slow
@pytest.mark.long
def test_a_removed_machine_loses_nothing(walk: Simulation, alone: Path, cluster: object, tmp_path: Path) -> None:
    """It goes with all results that lie on it; another one comes in its place."""
    doomed = cluster.add_node(num_cpus=1)  # type: ignore[attr-defined]
    cluster.wait_for_nodes()  # type: ignore[attr-defined]
    removed = []

    def remove(progress: Progress) -> None:
        if progress.stage == "harvesting" and not removed:
            removed.append(progress.done)
            cluster.remove_node(doomed, allow_graceful=False)  # type: ignore[attr-defined]

    made = harvest(
        walk.capture, walk.detector, tmp_path / "h", options=OPTIONS, workers=RayWorkers(16), on_progress=remove
    )
    assert removed
    assert largest_difference_mm(made.path, alone) == 0


@pytest.mark.slow
@pytest.mark.long
def test_without_any_machine_a_harvest_ends_and_can_be_resumed(
    walk: Simulation, alone: Path, cluster: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last test: the cluster is not the same after it."""
    monkeypatch.setattr(on_ray, "_LOOK_EVERY_S", 1.0)

    def remove(progress: Progress) -> None:
        for node in cluster.worker_nodes.copy() if progress.stage == "harvesting" else ():  # type: ignore[attr-defined]
            cluster.remove_node(node, allow_graceful=False)  # type: ignore[attr-defined]

    with pytest.raises(ClusterError, match="expected machines with a CPU, none is left in the cluster"):
        harvest(
            walk.capture, walk.detector, tmp_path / "h", options=OPTIONS, workers=RayWorkers(16), on_progress=remove
        )
    made = harvest(walk.capture, walk.detector, tmp_path / "h", options=OPTIONS, resume=True)
    assert largest_difference_mm(made.path, alone) == 0


def _workers_at_work() -> set[int]:
    """Return the processes of Ray's workers that are in a task of ours, by the titles that Ray gives them."""
    found = set[int]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) not in _raylets():
                continue
        except OSError:
            continue
        if title.startswith((b"ray::_follow", b"ray::_infer")):
            found.add(int(folder.name))
    return found


def _raylets() -> set[int]:
    """Return the processes of this test that start Ray's workers."""
    found = set[int]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        if "(raylet)" in stat and int(stat.rpartition(")")[2].split()[1]) == os.getpid():
            found.add(int(folder.name))
    return found
