"""SLEAP labels, one `.slp` file written through sleap-io: the reliable joints of every view as labels to train with.

A view is a video there, a person a track. Pixels count from the centre of the top-left pixel, as here. SLEAP numbers
pictures within their video, and views may start at different times: the numbers are those of the view's own pictures.
Without pictures in it the file names the videos by their absolute paths, and a view of several files or turned pictures
cannot be named. With pictures the file stands alone.

A joint that is not reliable, or lies outside the picture, is missing (NaN), and is not learned. SLEAP learns from what
a user has labelled, so labels are written as a user's unless they are asked for as predictions; `provenance` says
where they come from. sleap-io holds all labels in memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias, get_args

import torch

from poseharvest import __version__
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.capture.capture import Capture
from poseharvest.capture.frames import FrameSource
from poseharvest.capture.picture_folder import ImageFolder
from poseharvest.capture.video import Orientation, Video
from poseharvest.capture.view import View
from poseharvest.errors import ConfigError
from poseharvest.export.coco import NOTHING_TO_LEARN
from poseharvest.export.export_options import check_choice
from poseharvest.export.exporter import Exporter
from poseharvest.export.picture_files import footage_of, listed_frames, write_images
from poseharvest.findings import Finding
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.staging import file_name

Kind: TypeAlias = Literal["user", "predicted"]


@dataclass(frozen=True)
class SleapOptions:
    """How to write SLEAP labels.

    Attributes:
        kind: "user", labels that SLEAP learns from, or "predicted", with all supported joints and their heatmap values.
        pictures: write the labelled pictures into the file, so that it stands alone; otherwise it names the footage.
        capture: folder of the footage; None is the place that the harvest names.
        source: the footage, opened.
    """

    kind: Kind = "user"
    pictures: bool = False
    capture: Path | None = None
    source: FrameSource | None = None

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, get_args(Kind))


@dataclass(frozen=True)
class _LabelledView:
    """A view as SLEAP has it: its place in the harvest, its video, and the number of the picture of each frame."""

    number: int
    video: Any
    pictures: dict[int, int]


def write_sleap(harvest: Harvest, path: Path, options: SleapOptions) -> tuple[Finding, ...]:
    """Write the labels of all views as one file.

    Returns:
        That no joint may be learned, and pictures that are not those which were harvested.

    Raises:
        ConfigError: sleap-io is missing, or a view cannot be named without its pictures in the file.
        CaptureError: the footage is not there, or lacks a picture.
    """
    try:
        import sleap_io
    except ImportError as error:
        raise ConfigError("SLEAP: writing needs sleap-io: pip install 'poseharvest[sleap]'") from error
    source = footage_of(harvest, options.source, options.capture)
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        findings: tuple[Finding, ...] = ()
        if options.pictures:
            findings = write_images(harvest, source, Path(folder), _picture_name)
            views = _written_views(harvest, Path(folder))
        else:
            views = _named_views(source)
        labels = _labels(harvest, views, options)
        whole = Path(folder) / "labels.slp"  # the library wants this ending
        sleap_io.save_slp(labels, str(whole), embed=options.pictures, verbose=False)
        whole.replace(path)
    return findings if labels.labeled_frames else (NOTHING_TO_LEARN, *findings)


def _picture_name(view: str, frame: int) -> str:
    return f"{file_name(view)}/{frame:06d}.jpg"


def _written_views(harvest: Harvest, folder: Path) -> list[_LabelledView]:
    """Return the views whose pictures lie in a folder."""
    import sleap_io

    listed = list(listed_frames(harvest))
    views = []
    for number, name in enumerate(harvest.view_names):
        frames = [one.frame for one in listed if one.present[number]]
        files = [str(folder / _picture_name(name, frame)) for frame in frames]
        if files:
            video, pictures = sleap_io.Video.from_filename(files), {frame: i for i, frame in enumerate(frames)}
            views.append(_LabelledView(number, video, pictures))
    return views


def _named_views(source: FrameSource) -> list[_LabelledView]:
    """Return the views of a capture by the files of their footage.

    Raises:
        ConfigError: a view has no single file, or its pictures have to be turned.
    """
    import sleap_io

    if not isinstance(source, Capture):
        raise ConfigError("pictures: this footage has no files that SLEAP could read: write them as well (--pictures)")
    views = []
    for number, view in enumerate(source.views):
        video = sleap_io.Video.from_filename(_file_names(view))
        pictures = source.timeline.pictures[number].tolist()
        views.append(_LabelledView(number, video, dict(enumerate(pictures))))
    return views


def _file_names(view: View) -> str | list[str]:
    footage = view.footage
    if isinstance(footage, ImageFolder):
        return [str(path.resolve()) for path in footage.files]
    if isinstance(footage, Video) and footage.orientation == Orientation():
        return str(footage.path.resolve())
    kind = "pictures that have to be turned" if isinstance(footage, Video) else "footage in several files"
    raise ConfigError(f'pictures: view "{view.name}" has {kind}, which SLEAP cannot name: write them too (--pictures)')


def _labels(harvest: Harvest, views: list[_LabelledView], options: SleapOptions) -> Any:
    """Return sleap-io's labels of all views."""
    import sleap_io

    skeleton = _skeleton(harvest.skeleton)
    tracks: dict[int, Any] = {}
    frames: dict[tuple[int, int], list[Any]] = {}
    for row in harvest.iter_selected():
        record = row.annotations
        for number, view in enumerate(views):
            instance = _instance(row, view.number, skeleton, options.kind)
            if instance is not None:
                instance.track = tracks.setdefault(record.person, sleap_io.Track(f"person_{record.person}"))
                frames.setdefault((number, view.pictures[record.frame]), []).append(instance)
    labeled = [
        sleap_io.LabeledFrame(views[number].video, picture, instances)
        for (number, picture), instances in sorted(frames.items(), key=lambda item: item[0])
    ]
    made = {"made_by": f"poseharvest {__version__}", "capture": harvest.info.capture.name, "labels": "harvested"}
    if harvest.review_provenance is not None:
        made["reviews"] = json.dumps(harvest.review_provenance)
    return sleap_io.Labels(labeled, [view.video for view in views], [skeleton], list(tracks.values()), provenance=made)


def _skeleton(skeleton: Skeleton) -> Any:
    import sleap_io

    return sleap_io.Skeleton(
        nodes=list(skeleton.joints),
        edges=[(limb.parent, limb.child) for limb in skeleton.limbs],
        symmetries=[tuple(pair) for pair in skeleton.flip_pairs],
        name=skeleton.name,
    )


def _instance(row: SelectedFrame, view: int, skeleton: Any, kind: Kind) -> Any | None:
    """Return the joints of one person in one picture; None if there are none."""
    import sleap_io

    record = row.annotations
    shown = record.supported & record.inside[view]
    shown = shown & row.selected if kind == "user" else shown
    if not bool(shown.any()):
        return None
    points = torch.where(shown[:, None], record.pixels[view], torch.nan).numpy()
    if kind == "user":
        return sleap_io.Instance.from_numpy(points, skeleton)
    scores = torch.where(shown, record.score[view].clamp(0, 1), 0.0)
    overall = float(scores[shown].mean())
    return sleap_io.PredictedInstance.from_numpy(points, skeleton, point_scores=scores.numpy(), score=overall)


EXPORTER = Exporter(
    name="sleap",
    description="labels of all views for SLEAP, one .slp file; joints that are not reliable are missing",
    options=SleapOptions,
    write=write_sleap,
)
