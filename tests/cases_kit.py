"""Captures for the inputs that went wrong for people: the first pictures of the balance capture beside any files.

The inputs themselves lie in `shared/cases`, a folder each; its README says what is right for each.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import av

NUM_FRAMES = 20
VIEWS = ("cam01", "cam02", "cam03", "cam04")


def write_first_pictures(source: Path, target: Path, num: int = NUM_FRAMES) -> None:
    """Write the first pictures of a video as a video of its own, with the rate and the time stamps of the source."""
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        stream = container.streams.video[0]
        made = out.add_stream("mpeg4", rate=stream.average_rate)
        made.width, made.height = stream.width, stream.height
        made.options = {"qscale": "2"}
        for number, frame in enumerate(container.decode(stream)):
            if number == num:
                break
            picture = frame.reformat(format="yuv420p")
            picture.pts, picture.time_base = number, 1 / stream.average_rate
            out.mux(made.encode(picture))
        out.mux(made.encode())


def make_capture(
    folder: Path, videos: Path, *, calibration: Path | None = None, names: Mapping[str, str] | None = None
) -> Path:
    """Return a capture: the videos of `videos` under the names given, and a calibration file or folder beside them.

    Args:
        folder: the capture to make.
        videos: a folder with cam01.mp4 to cam04.mp4.
        calibration: copied into the capture: a file under its own name, or the contents of a folder.
        names: new name of each view; all four under their own names if None.
    """
    (folder / "videos").mkdir(parents=True)
    for view, name in (names or {view: view for view in VIEWS}).items():
        shutil.copyfile(videos / f"{view}.mp4", folder / "videos" / f"{name}.mp4")
    if calibration is not None and calibration.is_dir():
        shutil.copytree(calibration, folder, dirs_exist_ok=True)
    elif calibration is not None:
        shutil.copyfile(calibration, folder / calibration.name)
    return folder
