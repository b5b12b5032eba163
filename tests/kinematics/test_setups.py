"""A folder of set-ups: files that belong together, and errors that say what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from poseharvest.errors import ConfigError, FormatError
from poseharvest.kinematics.setups import find_setups

_SET = "<OpenSimDocument><MarkerSet><objects>{}</objects></MarkerSet></OpenSimDocument>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two layouts, as far as their names and markers."""
    for layout, names in (("Body25b", ("RKnee", "Head", "LHeel")), ("Coco17", ("RKnee", "Neck"))):
        markers = "".join(f'<Marker name="{name}"/>' for name in names)
        (tmp_path / f"Markers_{layout}.xml").write_text(_SET.format(markers))
        (tmp_path / f"Scaling_Setup_Lab_{layout}.xml").write_text("<a/>")
        (tmp_path / f"IK_Setup_Lab_{layout}.xml").write_text("<a/>")
    (tmp_path / "Model.osim").write_text("<a/>")
    return tmp_path


def test_the_layout_of_the_skeletons_name_comes_first(folder: Path) -> None:
    found = find_setups(None, folder, "coco17", ["RKnee", "Head", "LHeel"])
    assert found.model == folder / "Model.osim"
    assert found.marker_set == folder / "Markers_Coco17.xml"
    assert found.scaling == folder / "Scaling_Setup_Lab_Coco17.xml"
    assert found.tasks == folder / "IK_Setup_Lab_Coco17.xml"


@pytest.mark.parametrize(
    ("markers", "layout"),
    [(["RKnee", "Head", "LHeel", "Neck"], "Body25b"), (["RKnee", "Neck"], "Coco17"), (["RKnee"], "Coco17")],
)
def test_otherwise_the_layout_with_most_of_the_markers(markers: list[str], layout: str, folder: Path) -> None:
    assert find_setups(None, folder, "mine", markers).marker_set == folder / f"Markers_{layout}.xml"


def test_a_model_alone_is_taken_as_it_is(folder: Path) -> None:
    found = find_setups(folder / "Model.osim", None, "coco17", ["RKnee"])
    assert (found.marker_set, found.scaling, found.tasks) == (None, None, None)


def test_a_model_beside_the_folder_is_taken(folder: Path) -> None:
    other = folder / "other.osim"
    other.write_text("<a/>")
    assert find_setups(other, folder, "coco17", []).model == other
    with pytest.raises(ConfigError, match=r"expected one .osim file, got Model.osim, other.osim: name the one"):
        find_setups(None, folder, "coco17", [])


def test_what_is_missing_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model: expected an .osim file, there is no file .*nowhere.osim"):
        find_setups(folder / "nowhere.osim", folder, "coco17", [])
    with pytest.raises(ConfigError, match="setups: expected a folder, there is none at"):
        find_setups(None, folder / "nowhere", "coco17", [])
    with pytest.raises(ConfigError, match="no marker set has any of the markers root, tip"):
        find_setups(None, folder, "mine", ["root", "tip"])
    (folder / "IK_Setup_Lab_Coco17.xml").unlink()
    with pytest.raises(ConfigError, match=r"expected one file IK_Setup_\*_coco17.xml \(in any case\), got none"):
        find_setups(None, folder, "coco17", [])
    for path in folder.glob("Markers_*"):
        path.unlink()
    with pytest.raises(ConfigError, match=r"expected marker sets of Pose2Sim, Markers_\*.xml, got none"):
        find_setups(None, folder, "coco17", [])


def test_a_marker_set_that_is_none_is_refused(folder: Path) -> None:
    (folder / "Markers_Body25b.xml").write_text("<OpenSimDocument/>")
    with pytest.raises(FormatError, match=r"Markers_Body25b.xml: expected elements Marker with a name, got none"):
        find_setups(None, folder, "mine", ["RKnee"])
