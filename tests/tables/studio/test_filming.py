import pytest
import torch

from poseharvest.errors import ConfigError
from poseharvest.tables.studio import filming as module
from poseharvest.tables.studio.filming import Filming, film

TINY = Filming(num_frames=4, scale=0.1)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    events = []
    folder = tmp_path_factory.mktemp("f") / "capture"
    return film(2, "Sitting", 3, folder, filming=TINY, on_progress=events.append), events, folder


def test_the_footage_is_that_of_a_real_rig_and_says_how_far_it_is(filmed):
    take, events, folder = filmed
    assert sorted(path.name for path in folder.iterdir()) == ["capture.toml", "images", "rig.json"]
    assert (take.capture.num_frames, len(take.capture.rig)) == (4, 4)
    assert [camera.image_size for camera in take.capture.rig] == [(100, 100)] * 4
    assert [(event.done, event.total) for event in events] == [(n, 4) for n in range(1, 5)]
    assert take.capture.frame_rate == pytest.approx(TINY.frame_rate)


def test_the_truth_is_where_the_cameras_see_the_person(filmed):
    take, _, _ = filmed
    for camera in take.capture.rig.at(0):
        pixels = camera.project(take.truth.positions[0]).pixels
        assert ((pixels > 0) & (pixels < 100)).all()
        assert (pixels.amax(0) - pixels.amin(0)).max() > 20


def test_what_was_filmed_is_not_filmed_again(filmed, monkeypatch):
    first, _, folder = filmed
    monkeypatch.setattr(module, "StagedFolder", None)  # nothing can be written
    again = film(2, "Sitting", 3, folder, filming=TINY)
    assert torch.equal(again.truth.positions, first.truth.positions)


def test_the_truth_does_not_depend_on_the_pictures_size(filmed, tmp_path):
    other = film(2, "Sitting", 3, tmp_path / "c", filming=Filming(num_frames=4, scale=0.05))
    assert torch.equal(other.truth.positions, filmed[0].truth.positions)


def test_too_few_frames_are_refused():
    with pytest.raises(ConfigError, match="frames: expected 4 or more of every action, got 3"):
        Filming(num_frames=3)


def test_the_same_seed_gives_the_same_pictures(filmed, tmp_path):
    again = film(2, "Sitting", 3, tmp_path / "again", filming=TINY)
    for one, other in zip(filmed[0].capture.frames(), again.capture.frames(), strict=True):
        assert all((a == b).all() for a, b in zip(one.images, other.images, strict=True))
