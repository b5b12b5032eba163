"""SLEAP labels read back by sleap-io: every reliable joint at its pixel, in the picture that was harvested."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from export_kit import STRANGE, GreyFootage
from harvest_kit import make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.registry import export, export_with_findings

sio = pytest.importorskip("sleap_io", reason="needs pip install 'poseharvest[sleap]'")


def by_view_and_frame(path: Path, harvest: Harvest) -> dict[tuple[int, int], list[object]]:
    """The instances of every view and frame; pictures of a view count from 0 in the file."""
    labels = sio.load_slp(str(path))
    assert labels.skeletons[0].node_names == list(harvest.skeleton.joints)
    frames = sorted({record.frame for record in harvest.iter_frames()})
    there = {view: [frame for frame in frames if view < 2 or frame % 3 != 2] for view in range(len(harvest.view_names))}
    places = {id(video): view for view, video in enumerate(labels.videos)}
    return {
        (view, there[view][one.frame_idx]): list(one.instances) for one in labels for view in [places[id(one.video)]]
    }


@pytest.mark.parametrize("kind", ["user", "predicted"])
def test_every_joint_that_is_shown_is_at_its_pixel(kind: str, harvest_of_two: Harvest, tmp_path: Path) -> None:
    path = export(harvest_of_two, "sleap", tmp_path / "a.slp", source=GreyFootage(), pictures=True, kind=kind)
    found = by_view_and_frame(path, harvest_of_two)
    num_labels = 0
    for row in harvest_of_two.iter_selected():
        record = row.annotations
        for view in range(3):
            shown = (record.supported & record.inside[view]).numpy()
            shown &= row.selected.numpy() if kind == "user" else True
            named = [one for one in found.get((view, record.frame), []) if one.track.name == f"person_{record.person}"]
            assert len(named) == int(shown.any())
            if named:
                assert type(named[0]).__name__ == ("Instance" if kind == "user" else "PredictedInstance")
                np.testing.assert_allclose(named[0].numpy()[shown], record.pixels[view].numpy()[shown], atol=1e-3)
                assert np.isnan(named[0].numpy()[~shown]).all()
                num_labels += 1
    assert num_labels == sum(map(len, found.values())) > 20


def test_pictures_in_the_file_are_those_of_the_frames(harvest_of_two: Harvest, tmp_path: Path) -> None:
    path = export(harvest_of_two, "sleap", tmp_path / "a.slp", source=GreyFootage(), pictures=True)
    assert [one.name for one in tmp_path.iterdir()] == ["a.slp"]
    for labelled in sio.load_slp(str(path)):
        frame = labelled.frame_idx if labelled.video.shape[:2] != (4, 480) else (0, 1, 3, 4)[labelled.frame_idx]
        assert abs(labelled.image.mean() - 8 * frame) <= 1


def test_limbs_and_sides(harvest_of_two: Harvest, tmp_path: Path) -> None:
    path = export(harvest_of_two, "sleap", tmp_path / "a.slp", source=GreyFootage(), pictures=True)
    (skeleton,) = sio.load_slp(str(path)).skeletons
    assert skeleton.edge_names == [(limb.parent, limb.child) for limb in harvest_of_two.skeleton.limbs]
    pairs = {frozenset(node.name for node in pair.nodes) for pair in skeleton.symmetries}
    assert pairs == {frozenset(pair) for pair in harvest_of_two.skeleton.flip_pairs}


def test_nothing_to_learn_is_said(tmp_path: Path) -> None:
    records = make_records(range(3))
    for record in records:
        record.inside[:] = False
    harvest = write_harvest(tmp_path / "h", records)
    written = export_with_findings(harvest, "sleap", tmp_path / "a.slp", source=GreyFootage(), pictures=True)
    assert [finding.message[:24] for finding in written.findings] == ["no keypoint has v > 0: n"]
    assert len(sio.load_slp(str(written.path))) == 0


def test_footage_without_files_needs_its_pictures_in_the_file(harvest_of_two: Harvest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"this footage has no files that SLEAP could read: .* \(--pictures\)"):
        export(harvest_of_two, "sleap", tmp_path / "a.slp", source=GreyFootage())
    with pytest.raises(ConfigError, match='kind: expected one of user, predicted, got "x"'):
        export(harvest_of_two, "sleap", tmp_path / "a.slp", source=GreyFootage(), kind="x")
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_it_says_what_to_install(
    harvest_of_two: Harvest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sleap_io", None)
    with pytest.raises(ConfigError, match=r"SLEAP: writing needs sleap-io: pip install 'poseharvest\[sleap\]'"):
        export(harvest_of_two, "sleap", tmp_path / "a.slp")


def test_one_frame(tmp_path: Path) -> None:
    harvest = STRANGE["one frame"](tmp_path / "h")
    path = export(harvest, "sleap", tmp_path / "a.slp", source=GreyFootage(), pictures=True)
    assert {one.frame_idx for one in sio.load_slp(str(path))} == {0}
