"""Human3.6M: 7 subjects with published poses, 15 actions in two takes each, 4 cameras at 50 Hz, one person.

Four layouts are supported. The content of the folder decides which one it is:

| layout | annotations | pictures |
|---|---|---|
| official | `S9/MyPoseFeatures/D3_Positions/Posing 1.cdf` | `S9/Videos/Posing 1.54138969.mp4` |
| VideoPose3D's | `data_3d_h36m.npz` | none |
| h36m-fetch's | `S9/Posing-1/annot.h5` | `S9/Posing-1/imageSequence/54138969/img_000001.jpg` |
| the authors' | `annot/valid.h5`, `annot/valid_images.txt` | `images/S9_Posing_1.54138969_000001.jpg` |

Quirks. Poses have 32 rows of which 17 are in use (`names_and_joints`). `D3_Positions` are world positions in mm; those
of VideoPose3D are world positions in metres. The last two layouts hold poses in the frame of every camera, in mm. The
cameras convert them to the world, and all must give the same point. `D3_Positions_mono_universal` (`pose/3d-univ`) is
scaled to the size of another person and is not ground truth. Frames are numbered 1, 2, ... as in the names of pictures;
picture n of a video is frame n. A video may be longer than its poses. Takes have the names `Posing` and `Posing 1`,
`Posing-1`, or `Posing_1`; `_ALL` is not a recording. Video `S11/Videos/Directions.54138969.mp4` is broken in the
original distribution, and the markers of three takes of S9 have drifted (`DatasetSequence.damage`). The cameras come
from `metadata.xml` or a JSON made from it, in the folder or as an argument. Pictures are 1002 or 1000 pixels high.
Thorax, neck and pelvis come from a marker model; the annotators of MPII clicked other places.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.capture.discover import natural_key
from poseharvest.capture.video import open_video_view
from poseharvest.datasets.human36m.camera_files import find_cameras, read_cameras
from poseharvest.datasets.human36m.names_and_joints import CAMERAS, DAMAGE, FRAME_RATE, NUM_ROWS, ROWS, action_of
from poseharvest.datasets.human36m.preprocessed import authors_sequences, fetch_sequences
from poseharvest.datasets.protocol import DatasetSequence, MultiViewDataset, PersonTruth, SequenceTruth
from poseharvest.datasets.recording_footage import DatasetFootage, blanks, films
from poseharvest.errors import DatasetError, FormatError
from poseharvest.reading.cdf import read_cdf
from poseharvest.reading.pickled_arrays import read_npz_objects
from poseharvest.skeleton.definitions import H36M17
from poseharvest.units import mm_per

NAME = "human36m"
POSES = Path("MyPoseFeatures") / "D3_Positions"
VIDEOPOSE3D = "data_3d_h36m.npz"


def open_human36m(root: Path, *, cameras: Path | None = None) -> MultiViewDataset:
    """Return Human3.6M in any of its layouts.

    Args:
        root: its folder.
        cameras: the file with the cameras; None searches for it in the folder.

    Raises:
        DatasetError: the folder has none of these layouts, or lacks the cameras.
        FormatError: a file is damaged.
    """
    if not root.is_dir():
        raise DatasetError(f"{root}: expected the folder of Human3.6M, found none")
    layouts = (_official_sequences, _videopose3d_sequences, fetch_sequences, authors_sequences)
    for find in layouts:
        sequences = find(root, cameras)
        if sequences:
            ordered = sorted(sequences, key=lambda sequence: natural_key(sequence.name))
            return MultiViewDataset(NAME, root, H36M17, tuple(ordered))
    raise DatasetError(
        f"{root}: expected Human3.6M as S*/{POSES.as_posix()}/*.cdf, {VIDEOPOSE3D}, S*/*/annot.h5 or "
        "annot/{train,valid}.h5, got none of them"
    )


def _official_sequences(root: Path, cameras: Path | None) -> list[DatasetSequence]:
    pose_files = sorted(path for path in root.glob(f"S*/{POSES.as_posix()}/*.cdf") if not path.stem.startswith("_"))
    return [_official_sequence(root, path, cameras) for path in pose_files]


def _official_sequence(root: Path, poses: Path, cameras: Path | None) -> DatasetSequence:
    subject, take = poses.relative_to(root).parts[0], poses.stem
    name = f"{subject}/{take}"
    videos = {camera: root / subject / "Videos" / f"{take}.{camera}.mp4" for camera in CAMERAS}
    present = tuple(camera for camera, path in videos.items() if path.is_file())

    def open_footage(selected: tuple[str, ...], pictures: bool) -> DatasetFootage:
        rig = read_cameras(find_cameras(root, cameras), subject).subset(selected)
        num_frames = len(_read_poses(poses))
        if not pictures:
            return blanks(name, rig, numbers=range(1, num_frames + 1), number_rate=FRAME_RATE)
        if not present:
            raise DatasetError(f"{videos[selected[0]]}: expected a video of {name}, found nothing there")
        opened = [open_video_view(camera, videos[camera]) for camera in selected]
        return films(name, rig, opened, num_frames=num_frames, frame_rate=FRAME_RATE, first_number=1)

    return DatasetSequence(
        name=name,
        subject=subject,
        action=action_of(take),
        cameras=present or CAMERAS,
        open_footage=open_footage,
        read_truth=lambda: _truth(subject, _read_poses(poses)),
        damage=DAMAGE.get(name),
    )


def _read_poses(path: Path) -> NDArray[np.float64]:
    """Return the 32 rows of every frame, (F, 32, 3) mm in the world."""
    values = read_cdf(path, "Pose")
    if values.ndim < 2 or values.shape[-1] != 3 * NUM_ROWS:
        raise FormatError(
            f'{path}: "Pose": expected {NUM_ROWS} joints, {3 * NUM_ROWS} numbers a frame, got shape {values.shape}'
        )
    return np.asarray(values.reshape(-1, NUM_ROWS, 3), dtype=np.float64)


def _truth(subject: str, poses: NDArray[np.float64]) -> SequenceTruth:
    frames = torch.arange(len(poses))
    positions = torch.from_numpy(np.ascontiguousarray(poses[:, ROWS]))
    return SequenceTruth(H36M17, (PersonTruth(subject, H36M17, frames, frames + 1, positions),))


def _videopose3d_sequences(root: Path, cameras: Path | None) -> list[DatasetSequence]:
    path = root / VIDEOPOSE3D
    if not path.is_file():
        return []
    subjects = read_npz_objects(path, "positions_3d")
    if not (isinstance(subjects, dict) and all(isinstance(takes, dict) for takes in subjects.values())):
        raise FormatError(f'{path}: "positions_3d": expected poses by subject and take, got {type(subjects).__name__}')
    takes = [(subject, take, poses) for subject, takes in subjects.items() for take, poses in takes.items()]
    return [_videopose3d_sequence(path, *parts, cameras) for parts in takes]


def _videopose3d_sequence(path: Path, subject: str, take: str, poses: object, cameras: Path | None) -> DatasetSequence:
    name = f"{subject}/{take}"
    if not (isinstance(poses, np.ndarray) and poses.ndim == 3 and poses.shape[1:] == (NUM_ROWS, 3)):
        shape = getattr(poses, "shape", type(poses).__name__)
        raise FormatError(f"{path}: {name}: expected poses of {NUM_ROWS} joints, (F, {NUM_ROWS}, 3), got {shape}")

    def open_footage(selected: tuple[str, ...], pictures: bool) -> DatasetFootage:
        if pictures:
            raise DatasetError(f"{path}: {name}: this layout has no pictures: ask for footage without (pictures=False)")
        rig = read_cameras(find_cameras(path.parent, cameras), subject).subset(selected)
        return blanks(name, rig, numbers=range(1, len(poses) + 1), number_rate=FRAME_RATE)

    return DatasetSequence(
        name=name,
        subject=subject,
        action=action_of(take),
        cameras=CAMERAS,
        open_footage=open_footage,
        read_truth=partial(_truth, subject, np.asarray(poses, dtype=np.float64) * mm_per("m")),
        damage=DAMAGE.get(name),
    )
