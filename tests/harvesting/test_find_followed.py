"""A harvest of one person follows whom the user names: by a point, a box, or as who is longest in view."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from localization_kit import STANDING, PaintedDetector, plain_rig
from people_kit import ListedPeople, with_scores
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.localization.boxes import Boxes
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation.crowd import CrowdCapture

RIG = plain_rig()
QUICK = HarvestOptions(inference=InferenceOptions(resolution=32), warm_up_frames=4, num_previews=0)
ASIDE = torch.tensor([900.0, 300.0, 0.0], dtype=torch.float64)
STEP = torch.tensor([2.0, 0.0, 0.0], dtype=torch.float64)
NUM_FRAMES = 24


class Ranked(ListedPeople):
    """Of the people whom a view lists, the first has the highest scores."""

    def people(self, view: str, frame: int) -> list[Tensor]:
        camera = self.rig.camera(view).at(frame)
        poses = enumerate(self.poses(frame, view))
        return [with_scores(camera.project(pose).pixels, 0.9 - 0.3 * (i > 0)) for i, pose in poses]


def shown(frame: int, view: str) -> list[Tensor]:
    """Who is seen best is there until frame 9; another one from frame 4 to the end."""
    clear, other = STANDING + frame * STEP, STANDING + ASIDE
    return [*([clear] if frame < 10 else []), *([other] if frame >= 4 else [])]


def harvested(out: Path, follow: str | None, **options) -> Harvest:
    how = replace(QUICK, follow=follow, **options)
    return harvest(CrowdCapture(RIG, NUM_FRAMES), Ranked(RIG, shown), out, options=how)


def whose(harvest: Harvest) -> dict[str, list[int]]:
    """Return the frames in which the harvest has each of the two."""
    frames: dict[str, list[int]] = {"clear": [], "other": []}
    for record in harvest.iter_frames():
        middle = record.mean.mean(0)
        is_other = (middle - (STANDING + ASIDE).mean(0)).norm() < 100
        frames["other" if is_other else "clear"].append(record.frame)
    return frames


def mark(pose: Tensor, view: str) -> str:
    x, y = RIG.camera(view).at(0).project(pose.mean(0)).pixels.tolist()
    return f"{view}:{x:.0f},{y:.0f}"


def test_without_a_name_it_is_who_is_seen_best(tmp_path):
    assert whose(harvested(tmp_path / "h", None))["clear"] == list(range(10))


def test_the_longest_in_view(tmp_path):
    assert whose(harvested(tmp_path / "h", "longest")) == {"clear": [], "other": list(range(4, NUM_FRAMES))}


@pytest.mark.parametrize("view", RIG.names)
def test_who_is_at_a_point_of_a_view(tmp_path, view):
    """Also from before the frame in which they are named."""
    found = whose(harvested(tmp_path / "h", f"{mark(STANDING + ASIDE, view)}@8"))
    assert found == {"clear": [], "other": list(range(4, NUM_FRAMES))}
    assert whose(harvested(tmp_path / "g", mark(STANDING, view)))["clear"] == list(range(10))


def test_who_is_in_a_box(tmp_path):
    points = RIG.at(0)[0].project(STANDING + ASIDE).pixels
    x, y, width, height = [*points.amin(0).tolist(), *(points.amax(0) - points.amin(0)).tolist()]
    found = harvested(tmp_path / "h", f"{RIG.names[0]}:{x:.1f},{y:.1f},{width:.1f},{height:.1f}@6")
    assert whose(found) == {"clear": [], "other": list(range(4, NUM_FRAMES))}
    assert found.info.options["follow"].endswith("@6")


def test_a_harvest_from_a_later_frame(tmp_path):
    found = whose(harvested(tmp_path / "h", mark(STANDING + ASIDE, RIG.names[1]), start=6))
    assert found == {"clear": [], "other": list(range(6, NUM_FRAMES))}


@pytest.mark.parametrize(
    ("follow", "message"),
    [
        ("cam99:1,2", 'follow: expected one of the views .*, got "cam99"'),
        (f"{RIG.names[0]}:1,2@24", "follow: expected a frame from 0 to 23, got 24"),
        (f"{RIG.names[0]}:-900,-900@6", "nobody is at this place in frame 6: the middles of those .* lie at .* and "),
    ],
)
def test_who_is_nowhere_is_named(tmp_path, follow, message):
    with pytest.raises(ConfigError, match=message):
        harvested(tmp_path / "h", follow)


@pytest.mark.parametrize("options", [{"people": None}, {"people": 2}, {"moments": True}])
def test_it_is_for_one_person_in_a_row(options):
    with pytest.raises(ConfigError, match="follow: expected one person in frames in a row"):
        HarvestOptions(follow="longest", **options)


def test_boxes_say_it_already(tmp_path):
    with pytest.raises(ConfigError, match="follow: expected frames in a row and no boxes, got boxes"):
        harvest(
            CrowdCapture(RIG, NUM_FRAMES),
            Ranked(RIG, shown),
            tmp_path / "h",
            options=replace(QUICK, follow="longest"),
            boxes=Boxes({}),
        )


def test_a_network_follows_whom_it_is_told_too(tmp_path):
    painted = PaintedDetector(RIG, lambda frame, view: STANDING + frame * STEP)
    options = replace(QUICK, follow=mark(STANDING, RIG.names[0]), stop=8)
    found = harvest(CrowdCapture(RIG, NUM_FRAMES), painted, tmp_path / "h", options=options)
    assert [record.frame for record in found.iter_frames()] == list(range(8))
