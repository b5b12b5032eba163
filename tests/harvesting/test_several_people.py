"""Several people harvested into one folder: numbers that last, a body each, and one unless more are asked for."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from harvest_kit import make_run
from localization_kit import STANDING, plain_rig
from people_kit import ListedPeople, People
from poseharvest.annotations.info import HarvestRun
from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import FrameSource
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.evaluation.identity import Identities, find_identities
from poseharvest.evaluation.tracks import PoseTracks, harvest_tracks
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.localization.boxes import Boxes
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.progress import Progress
from poseharvest.simulation.crowd import CrowdCapture, CrowdSimulation, simulate_crowd
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.limb_lengths import LimbLengths

RIG = plain_rig()
QUICK = HarvestOptions(inference=InferenceOptions(resolution=32), warm_up_frames=4, num_previews=0, people=None)
ASIDE = torch.tensor([700.0, 300.0, 0.0], dtype=torch.float64)
SMALLER = 0.85
MEETING = range(12, 30)


def made(path: Path, poses: People, num_frames: int, options: HarvestOptions = QUICK) -> Harvest:
    return harvest(CrowdCapture(RIG, num_frames), ListedPeople(RIG, poses), path, options=options)


def two(frame: int, view: str) -> list[Tensor]:
    """Somebody, and from frame 3 to 9 somebody smaller beside them."""
    return [STANDING, SMALLER * STANDING + ASIDE] if 3 <= frame < 10 else [STANDING]


@pytest.fixture(scope="module")
def harvested(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    return made(tmp_path_factory.mktemp("people") / "h", two, 14)


def test_records_are_in_order_of_frame_and_person(harvested: Harvest) -> None:
    keys = [(record.frame, record.person) for record in harvested.iter_frames()]
    assert keys == [(frame, person) for frame in range(14) for person in (0, 1) if person == 0 or 3 <= frame < 10]
    assert harvested.info.counts.persons == 2


def test_each_is_where_they_are(harvested: Harvest) -> None:
    for record in harvested.iter_frames():
        truth = STANDING if record.person == 0 else SMALLER * STANDING + ASIDE
        assert float((record.mean - truth).norm(dim=-1).mean()) < 25
        assert record.supported.all()


def test_each_has_a_body_of_their_own(harvested: Harvest) -> None:
    first, second = harvested.info.people
    assert (first.frames, first.first_frame, first.last_frame) == (14, 0, 13)
    assert (second.frames, second.first_frame, second.last_frame) == (7, 3, 9)
    for limb in MPII16.limbs:
        assert second.limb_lengths_mm[limb.name] == pytest.approx(SMALLER * first.limb_lengths_mm[limb.name], abs=4)
        assert second.shells_mm[limb.name] >= second.limb_lengths_mm[limb.name]
    assert harvested.info.limb_lengths_mm == {}
    assert harvested.info.options["people"] is None


def test_by_default_whoever_else_is_there_becomes_nobody(tmp_path: Path) -> None:
    def beside(frame: int, view: str) -> list[Tensor]:
        return [STANDING, STANDING + 3 * ASIDE] if view != "back" else [STANDING]

    only = made(tmp_path / "h", beside, 6, replace(QUICK, people=1))
    assert only.info.counts.persons == 1
    assert only.info.people == ()
    assert HarvestOptions().people == 1
    assert all(float((r.mean - STANDING).norm(dim=-1).mean()) < 60 for r in only.iter_frames())


def test_the_one_is_never_exchanged_for_whoever_is_beside(tmp_path: Path) -> None:
    """Somebody smaller, whom two views see, stands within the windows; from frame 6 to 8 two views lack the person."""
    small = SMALLER * STANDING + ASIDE / 2

    def beside(frame: int, view: str) -> list[Tensor]:
        seen = [] if 6 <= frame < 9 and view != "front" else [STANDING]
        return seen if view == "side" else [*seen, small]

    only = made(tmp_path / "h", beside, 12, replace(QUICK, people=1))
    assert [record.frame for record in only.iter_frames()] == [0, 1, 2, 3, 4, 5, 9, 10, 11]
    assert all(float((r.mean - STANDING).norm(dim=-1).mean()) < 25 for r in only.iter_frames())
    assert only.info.people == ()
    (absent,) = [finding.message for finding in only.info.findings if finding.topic == "person"]
    assert "nobody was found in 3 of 12 frames" in absent


def test_no_more_than_asked_for(tmp_path: Path) -> None:
    def three(frame: int, view: str) -> list[Tensor]:
        return [STANDING, STANDING + ASIDE, STANDING - ASIDE]

    assert made(tmp_path / "h", three, 6, replace(QUICK, people=2)).info.counts.persons == 2


def test_one_found_among_several_asked_for_is_as_one(tmp_path: Path) -> None:
    found = made(tmp_path / "h", lambda frame, view: [STANDING], 6)
    (person,) = found.info.people
    assert found.info.limb_lengths_mm == person.limb_lengths_mm


def test_a_capture_too_short_to_confirm_anybody(tmp_path: Path) -> None:
    found = made(tmp_path / "h", lambda frame, view: [STANDING, STANDING + ASIDE], 3)
    assert found.info.counts.records == 6


def test_who_is_seen_too_little_to_have_a_body_is_left_out_and_said(tmp_path: Path) -> None:
    """Two views see the newcomer's face and shoulders alone."""
    part = SMALLER * STANDING + ASIDE
    legs = [MPII16.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("hip", "knee", "ankle")]

    class Covered(ListedPeople):
        def people(self, view: str, frame: int) -> list[Tensor]:
            found = super().people(view, frame)
            for person in found[1:]:
                person[:, 2] = 0.0
                person[[*legs[:1], 8, 10, 13, 14, 15, 3, 5, 0], 2] = 0.9
            return found

    detector = Covered(RIG, lambda frame, view: [STANDING, part])
    found = harvest(CrowdCapture(RIG, 5), detector, tmp_path / "h", options=QUICK)
    left_out = [finding.message for finding in found.info.findings if "left out" in finding.message]
    guessed = [finding.message for finding in found.info.findings if "never seen whole" in finding.message]
    assert left_out or guessed


def test_nobody_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="nobody was found in frames 0 to 4"):
        made(tmp_path / "h", lambda frame, view: [], 5)


def test_hints_of_one_person_are_refused(tmp_path: Path) -> None:
    source, detector = CrowdCapture(RIG, 5), ListedPeople(RIG, two)
    with pytest.raises(ConfigError, match="those of one person: expected people=1"):
        harvest(source, detector, tmp_path / "h", options=QUICK, boxes=Boxes({}))
    lengths = LimbLengths({(limb.parent, limb.child): 300.0 for limb in MPII16.limbs})
    with pytest.raises(ConfigError, match="those of one person: expected people=1"):
        harvest(source, detector, tmp_path / "h", options=QUICK, limb_lengths=lengths)
    with pytest.raises(ConfigError, match="people: expected 1 or more"):
        HarvestOptions(people=0)


def test_progress_counts_frames(tmp_path: Path) -> None:
    done: list[Progress] = []
    harvest(CrowdCapture(RIG, 6), ListedPeople(RIG, two), tmp_path / "h", options=QUICK, on_progress=done.append)
    assert [p.done for p in done] == sorted(p.done for p in done)
    assert done[-1].done == done[-1].total == 6


def test_an_older_harvest_json_holds_nobody() -> None:
    plain = make_run(3).model_dump()
    del plain["people"]
    assert HarvestRun(**plain).people == ()


def true_tracks(simulation: CrowdSimulation, people: range) -> PoseTracks:
    positions = np.concatenate([simulation.truth[i].positions[list(MEETING)].numpy() for i in people])
    frames = np.tile(np.array(MEETING), len(people))
    return PoseTracks(MPII16.joints, frames, np.repeat(np.array(people), len(MEETING)), positions)


def judged(
    source: FrameSource, detector: ListedPeople, truth: PoseTracks, path: Path, people: int | None
) -> Identities:
    # The means of the grid: that people are told apart is judged here, and not what a fit gains from clear views.
    options = replace(QUICK, people=people, warm_up_frames=len(MEETING), start=MEETING.start, estimate="grid")
    return find_identities(harvest_tracks(harvest(source, detector, path, options=options)), truth)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["keypoints", pytest.param("network", marks=pytest.mark.long)])
def test_three_who_cross_and_touch_are_as_good_as_alone(tmp_path: Path, kind: str) -> None:
    """18 frames around a meeting at 0.4 m; benchmarks/people.py has the long runs."""
    simulation = simulate_crowd(3, MEETING.stop, 1)
    everybody = simulation.keypoints if kind == "keypoints" else simulation.detector
    together = judged(simulation.capture, everybody, true_tracks(simulation, range(3)), tmp_path / "h", None)
    assert together.switches == ()
    assert together.num_superfluous == 0
    assert together.num_missed <= 3 * len(MEETING) / 30
    alone = []
    for person in range(3):
        network, keypoints = simulation.alone(person)
        truth = true_tracks(simulation, range(person, person + 1))
        detector = keypoints if kind == "keypoints" else network
        alone.append(judged(simulation.capture, detector, truth, tmp_path / f"{person}", 1).distance_mm.mean())
    assert together.distance_mm.mean() < 1.1 * np.mean(alone)


def test_whoever_watches_hears_whose_limbs_are_learned(tmp_path: Path) -> None:
    reports: list[Progress] = []
    source = ListedPeople(RIG, two)
    harvest(CrowdCapture(RIG, 14), source, tmp_path / "h", options=QUICK, on_progress=reports.append)
    for person in (0, 1):
        assert f"learning the limbs of person {person}" in [one.stage for one in reports]
    assert "judging the cameras by person 0" in [one.stage for one in reports]
    assert [one.done for one in reports] == sorted(one.done for one in reports)


def test_no_model_of_those_who_have_left_is_kept(tmp_path: Path) -> None:
    """A model holds tables of megabytes; people come and go by the dozen."""
    stay, away = 7, 28

    def one_after_another(frame: int, view: str) -> list[Tensor]:
        return [STANDING] if frame % (stay + away) < stay else []

    models: list[int] = []

    def count(progress: Progress) -> None:
        if progress.done % (stay + away) == stay + away - 1:
            models.append(sum(isinstance(one, PictorialStructures) for one in gc.get_objects()))

    before = sum(isinstance(one, PictorialStructures) for one in gc.get_objects())
    source = ListedPeople(RIG, one_after_another)
    options = replace(QUICK, inference=InferenceOptions(resolution=16), estimate="grid")
    made = harvest(CrowdCapture(RIG, 3 * (stay + away)), source, tmp_path / "h", options=options, on_progress=count)
    assert made.info.counts.persons == 3
    assert len(models) == 3
    assert max(models) <= before + 1
