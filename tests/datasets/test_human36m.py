"""Human3.6M beyond the contract: its joints, its cameras, and damaged or disordered copies."""

from __future__ import annotations

import json
import re
import shutil
from importlib.util import find_spec

import h5py
import numpy as np
import pytest
import torch

from dataset_kits import human36m
from dataset_kits.scene import joints
from poseharvest.datasets.human36m.camera_files import find_cameras, read_cameras
from poseharvest.datasets.human36m.names_and_joints import AUTHORS_JOINTS, AUTHORS_ROWS, ROW_OF_JOINT, ROWS
from poseharvest.datasets.human36m.recordings import open_human36m
from poseharvest.errors import CalibrationError, CaptureError, ConfigError, DatasetError, FormatError
from poseharvest.geometry.rig import project_all
from poseharvest.reading.cdf import read_cdf
from poseharvest.skeleton.convert import Conversion
from poseharvest.skeleton.definitions import H36M17, MPII16

needs_cdf = pytest.mark.skipif(find_spec("cdflib") is None, reason="cdflib is not installed")


def test_the_authors_map_and_conversion_by_name_agree():
    """Their map, applied to their order, gives the joints that conversion by name gives."""
    authors_map = [7, 6, 5, 2, 3, 4, 1, 9, 10, 11, 17, 16, 15, 12, 13, 14]
    ours = Conversion(H36M17, MPII16).weights.argmax(1)
    assert [AUTHORS_JOINTS[i - 1] for i in authors_map] == [H36M17.joints[i] for i in ours]


def test_the_authors_map_would_swap_the_legs_of_our_order():
    assert H36M17.joints[7 - 1] == "left_ankle"
    assert MPII16.joints[0] == "right_ankle"


def test_rows_of_32_and_of_17_are_permutations_by_name():
    assert sorted(ROW_OF_JOINT) == sorted(H36M17.joints)
    assert len(set(ROWS)) == len(set(AUTHORS_ROWS)) == len(H36M17)


def test_metadata_and_json_give_one_rig(tmp_path):
    human36m.write_json_cameras(tmp_path)
    human36m.write_metadata(tmp_path)
    a = read_cameras(tmp_path / "metadata.xml", "S11")
    b = read_cameras(tmp_path / "camera-parameters.json", "S11")
    points = torch.tensor([[0.0, 300, 900], [400, -200, 1500]], dtype=torch.float64)
    assert a.names == b.names
    torch.testing.assert_close(project_all(a.at(0), points).pixels, project_all(b.at(0), points).pixels)


@pytest.mark.data
def test_the_published_json_survives_the_form_of_the_metadata(shared_dir, tmp_path, monkeypatch):
    """Real cameras as angles and centres and back: the convention is complete."""
    published = shared_dir / "cameras" / "h36m-camera-parameters.json"
    real = read_cameras(published, "S9")
    monkeypatch.setattr(human36m, "rig", lambda: real)
    human36m.write_metadata(tmp_path)
    back = read_cameras(tmp_path / "metadata.xml", "S9")
    for ours, theirs in zip(real, back, strict=True):
        torch.testing.assert_close(ours.rotation, theirs.rotation, atol=1e-9, rtol=0)
        torch.testing.assert_close(ours.center, theirs.center, atol=1e-6, rtol=0)
        assert ours.distortion == theirs.distortion


def test_cameras_may_lie_elsewhere_and_are_asked_for_where_missing(tmp_path):
    miniature = human36m.videopose3d(tmp_path / "data")
    moved = tmp_path / "elsewhere.json"
    (miniature.root / "camera-parameters.json").rename(moved)
    with pytest.raises(
        DatasetError, match=r"data: expected Human3\.6M's cameras, metadata\.xml or a JSON .*cameras=PATH"
    ):
        open_human36m(miniature.root).sequences[0].footage(pictures=False)
    sequence = open_human36m(miniature.root, cameras=moved).sequences[0]
    assert len(sequence.footage(pictures=False).rig) == 4
    assert find_cameras(miniature.root, moved) == moved


def test_a_subject_without_cameras_is_named(tmp_path):
    miniature = human36m.videopose3d(tmp_path)
    human36m.write_json_cameras(tmp_path, ("S1",))
    with pytest.raises(CalibrationError, match='expected a subject, one of S1, got "S9"'):
        open_human36m(miniature.root).sequences[0].footage(pictures=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<db><w0>[1 2 3]</w0></db>", r"metadata\.xml: <w0>: expected 300 numbers, got 3"),
        ("<db><w0>[1 two]</w0></db>", r"<w0>: expected numbers, got: .*'two'"),
        ("<db></db>", "expected Human3.6M's metadata with <w0>, got none"),
        ("<db><w0>[1 2", "not valid XML, got: "),
    ],
)
def test_damaged_metadata_is_named(tmp_path, text, message):
    path = tmp_path / "metadata.xml"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_cameras(path, "S9")


def test_a_subject_that_metadata_cannot_hold_is_named(tmp_path):
    human36m.write_metadata(tmp_path)
    with pytest.raises(DatasetError, match='expected a subject of S1 to S11, got "S12"'):
        read_cameras(tmp_path / "metadata.xml", "S12")


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    return human36m.official(tmp_path_factory.mktemp("h36m"), takes=human36m.TAKES[:1])


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    return human36m.fetch(tmp_path_factory.mktemp("fetch"))


@needs_cdf
class TestOfficial:
    @pytest.fixture
    def root(self, official, tmp_path):
        shutil.copytree(official.root, tmp_path / "copy")
        return tmp_path / "copy"

    @staticmethod
    def sequence(root):
        return open_human36m(root).sequence("S9/Posing 1")

    def poses(self, root):
        return root / "S9" / "MyPoseFeatures" / "D3_Positions" / "Posing 1.cdf"

    def video(self, root):
        return root / "S9" / "Videos" / "Posing 1.55011271.mp4"

    def test_cdf_is_not_hdf5(self, root):
        assert not h5py.is_hdf5(self.poses(root))

    def test_a_camera_without_video_is_left_out(self, root):
        self.video(root).unlink()
        assert "55011271" not in self.sequence(root).cameras
        assert len(self.sequence(root).footage().rig) == 3

    def test_no_videos_at_all_are_named_and_poses_still_read(self, root):
        shutil.rmtree(root / "S9" / "Videos")
        with pytest.raises(DatasetError, match=r"Posing 1\.54138969\.mp4: expected a video of S9/Posing 1"):
            self.sequence(root).footage()
        assert self.sequence(root).footage(pictures=False).num_frames == 3
        assert len(self.sequence(root).truth().only.positions) == 3

    def test_a_video_shorter_than_the_poses_is_out_of_step(self, root):
        self.poses(root).unlink()
        human36m.write_cdf(self.poses(root), human36m.rows32(joints(H36M17, range(9))))
        message = r"54138969\.mp4: out of step with the annotations of S9/Posing 1: expected at least 9 pictures, got 4"
        with pytest.raises(DatasetError, match=message):
            self.sequence(root).footage()

    def test_a_damaged_video_is_named(self, root):
        self.video(root).write_bytes(self.video(root).read_bytes()[:900])
        with pytest.raises(CaptureError, match=r"Posing 1\.55011271\.mp4: expected a"):
            self.sequence(root).footage()

    @pytest.mark.parametrize("keep", [0, 100, 700])
    def test_damaged_poses_are_named(self, root, keep):
        self.poses(root).write_bytes(self.poses(root).read_bytes()[:keep])
        with pytest.raises(FormatError, match=r'Posing 1\.cdf: expected a CDF file with variable "Pose", got'):
            self.sequence(root).truth()

    def test_another_skeleton_is_named(self, root):
        self.poses(root).unlink()
        human36m.write_cdf(self.poses(root), joints(H36M17, range(3)))
        with pytest.raises(
            FormatError, match=r"Posing 1\.cdf: .*expected 32 joints, 96 numbers a frame, got shape \(1, 3, 51\)"
        ):
            self.sequence(root).truth()

    def test_known_damage_is_told(self, root):
        (root / "S9").rename(root / "S11")
        for path in root.glob("S11/**/Posing 1*"):
            path.rename(path.with_name(path.name.replace("Posing 1", "Directions")))
        assert "54138969 is cut off" in open_human36m(root).sequence("S11/Directions").damage


def test_without_cdflib_the_way_to_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cdflib", None)
    with pytest.raises(ConfigError, match=r"x\.cdf: .* install cdflib \(pip install 'poseharvest\[datasets\]'\)"):
        read_cdf(tmp_path / "x.cdf", "Pose")


class TestVideoPose3D:
    def test_pictures_are_said_to_be_missing(self, tmp_path):
        sequence = open_human36m(human36m.videopose3d(tmp_path).root).sequences[0]
        with pytest.raises(DatasetError, match=r"this layout has no pictures: .*pictures=False"):
            sequence.footage()

    @pytest.mark.parametrize("poses", [np.zeros((4, 17, 3)), np.zeros(3), "text"])
    def test_another_skeleton_is_named(self, tmp_path, poses):
        np.savez(tmp_path / "data_3d_h36m.npz", positions_3d={"S9": {"Posing": poses}})
        with pytest.raises(FormatError, match=r"data_3d_h36m\.npz: S9/Posing: expected poses of 32 joints"):
            open_human36m(tmp_path)

    def test_something_else_is_named(self, tmp_path):
        np.savez(tmp_path / "data_3d_h36m.npz", positions_3d={"S9": 3})
        with pytest.raises(FormatError, match='"positions_3d": expected poses by subject and take, got dict'):
            open_human36m(tmp_path)
        np.savez(tmp_path / "data_3d_h36m.npz", positions_3d=np.zeros(3))
        with pytest.raises(FormatError, match=r'"positions_3d": expected one object, got float64 of shape \(3,\)'):
            open_human36m(tmp_path)
        (tmp_path / "data_3d_h36m.npz").write_bytes(b"cut")
        with pytest.raises(FormatError, match=r"data_3d_h36m\.npz: expected a \.npz file"):
            open_human36m(tmp_path)


class TestFetch:
    @pytest.fixture
    def root(self, fetched, tmp_path):
        shutil.copytree(fetched.root, tmp_path / "copy")
        return tmp_path / "copy"

    @staticmethod
    def sequence(root):
        return open_human36m(root).sequence("S9/Posing-1")

    @staticmethod
    def edit(root, change):
        with h5py.File(root / "S9" / "Posing-1" / "annot.h5", "a") as file:
            change(file)

    def test_drifted_truth_is_told(self, root):
        assert self.sequence(root).damage is None
        (root / "S9" / "Posing-1").rename(root / "S9" / "Greeting-2")
        assert "drifted" in open_human36m(root).sequence("S9/Greeting-2").damage

    def test_poses_of_another_frame_are_out_of_step(self, root):
        def swap(file):
            poses = file["pose/3d"][:]
            poses[3:6] = poses[[4, 5, 3]]
            file["pose/3d"][:] = poses

        self.edit(root, swap)
        message = (
            r"S9/Posing-1: cameras 54138969 and 55011271 are out of step: their poses of frame 11 lie \d+ mm apart"
        )
        with pytest.raises(DatasetError, match=message):
            self.sequence(root).truth()

    def test_frames_that_one_camera_lacks_are_out_of_step(self, root):
        def renumber(file):
            frames = file["frame"][:]
            frames[4] = 7
            file["frame"][:] = frames

        self.edit(root, renumber)
        with pytest.raises(
            DatasetError, match="cameras 54138969 and 55011271 are out of step: frame 6 is not annotated once"
        ):
            self.sequence(root).footage()

    def test_rows_and_columns_must_fit(self, root):
        def shorten(file):
            frames = file["frame"][:-1]
            del file["frame"]
            file["frame"] = frames

        self.edit(root, shorten)
        with pytest.raises(
            FormatError, match=r'annot\.h5: "frame": expected one number for each of 12 poses, got \(11,\)'
        ):
            self.sequence(root).truth()

    def test_poses_scaled_to_somebody_else_are_refused(self, root):
        self.edit(root, lambda file: file.move("pose/3d", "pose/3d-univ"))
        with pytest.raises(FormatError, match='expected "pose/3d", got "pose/3d-univ" alone: those are scaled'):
            self.sequence(root).truth()
        self.edit(root, lambda file: file.move("pose/3d-univ", "x"))
        with pytest.raises(FormatError, match='expected a data set "pose/3d", got camera, frame, x'):
            self.sequence(root).truth()

    def test_another_skeleton_and_nan_are_named(self, root):
        def cut(file):
            poses = file["pose/3d"][:, :17]
            del file["pose/3d"]
            file["pose/3d"] = poses

        self.edit(root, lambda file: file["pose/3d"].write_direct(np.full((12, 32, 3), np.nan)))
        with pytest.raises(FormatError, match='"pose/3d": expected finite numbers, got NaN'):
            self.sequence(root).truth()
        self.edit(root, cut)
        with pytest.raises(FormatError, match=r'"pose/3d": expected 32 joints, \(N, 32, 3\), got \(12, 17, 3\)'):
            self.sequence(root).truth()

    @pytest.mark.parametrize("keep", [0, 600, 4000])
    def test_a_damaged_file_is_named(self, root, keep):
        path = root / "S9" / "Posing-1" / "annot.h5"
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(FormatError, match=r"Posing-1/annot\.h5: expected an HDF5 file, got: "):
            open_human36m(root)

    def test_pictures_beyond_the_annotations_and_missing_ones_are_named(self, root):
        folder = root / "S9" / "Posing-1" / "imageSequence" / "55011271"
        (folder / "img_000006.jpg").unlink()
        frames = list(self.sequence(root).footage().frames())
        assert [frame.images[1] is None for frame in frames] == [False, True, False]
        shutil.copy(folder / "img_000001.jpg", folder / "img_000012.jpg")
        message = r"img_000012\.jpg: out of step .*expected pictures numbered 1 to 11, got 12"
        with pytest.raises(DatasetError, match=message):
            self.sequence(root).footage()
        shutil.rmtree(folder)
        with pytest.raises(DatasetError, match=r"imageSequence/55011271: expected numbered pictures .*, got none"):
            self.sequence(root).footage()


class TestAuthors:
    @pytest.fixture
    def root(self, tmp_path):
        return human36m.authors(tmp_path).root

    @staticmethod
    def sequence(root):
        return open_human36m(root).sequences[0]

    def test_the_list_of_pictures_must_fit(self, root):
        path = root / "annot" / "valid_images.txt"
        path.write_text(path.read_text() + "S9_Posing_1.54138969_000016.jpg\n")
        with pytest.raises(
            DatasetError, match=r"valid\.h5: out of step with valid_images\.txt: expected 13 poses, got 12"
        ):
            self.sequence(root).truth()
        path.write_text("S9_Posing_1.54138969_000001.jpg\nsomething.jpg\n")
        with pytest.raises(
            FormatError, match=r"valid_images\.txt: line 2: expected S9_Posing_1\..*, got 'something\.jpg'"
        ):
            open_human36m(root)
        path.unlink()
        with pytest.raises(DatasetError, match=r"valid_images\.txt: expected the list of pictures"):
            open_human36m(root)

    def test_axes_in_the_order_of_matlab_are_the_same(self, root):
        before = self.sequence(root).truth().only.positions
        with h5py.File(root / "annot" / "valid.h5", "a") as file:
            poses = file["S"][:]
            del file["S"]
            file["S"] = poses.transpose(0, 2, 1)
        torch.testing.assert_close(self.sequence(root).truth().only.positions, before)

    def test_another_skeleton_is_named(self, root):
        with h5py.File(root / "annot" / "valid.h5", "w") as file:
            file["S"] = np.zeros((12, 16, 3))
        with pytest.raises(FormatError, match=r'"S": expected 17 joints, \(N, 17, 3\), got \(12, 16, 3\)'):
            self.sequence(root).truth()

    def test_missing_pictures_are_named(self, root):
        shutil.rmtree(root / "images")
        with pytest.raises(DatasetError, match=re.escape("S9_Posing_1.54138969_000001.jpg: expected a picture")):
            self.sequence(root).footage()

    def test_the_legs_would_be_swapped_by_our_order(self, root):
        """Reading the rows of the authors in our order is wrong by the width of the hips."""
        with h5py.File(root / "annot" / "valid.h5", "r") as file:
            first = file["S"][0]
        right, left = (first[list(H36M17.joints).index(f"{side}_hip")] for side in ("right", "left"))
        truth = self.sequence(root).truth().only.positions[0]
        camera = human36m.rig().camera("54138969")
        in_camera = human36m.in_camera(camera, truth.numpy())
        np.testing.assert_allclose(right, in_camera[H36M17.index("left_hip")], atol=1e-6)
        np.testing.assert_allclose(left, in_camera[H36M17.index("right_hip")], atol=1e-6)


def test_a_json_of_something_else_is_not_taken_for_cameras(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"notes": 1}))
    with pytest.raises(DatasetError, match="got neither"):
        find_cameras(tmp_path)
