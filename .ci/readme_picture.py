"""Draw the picture of the README: a drawn person in four views with the pose found, and the pose in space.

Run: `python .ci/readme_picture.py`. It films the person of `poseharvest demo` in larger pictures, harvests by the
network that comes with the package, and writes `docs/images/harvest.webp`; half a minute on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.detectors.registry import load_detector
from poseharvest.diagnosis.spread import side_of_joint, side_of_limb
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.report.ellipses import matrix_root
from poseharvest.report.overlays import NUM_SIGMAS, ViewOverlay, overlay_frame
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.tables.studio.filming import Filming, film

OUT = Path(__file__).resolve().parent.parent / "docs" / "images" / "harvest.webp"
FILMING = Filming(num_frames=16, frame_rate=10.0, scale=0.8)
SIZE_IN, DPI = (9.6, 5.4), 120
TRIM = 0.11
"""Share of a window that is cut off at every side, so that the person is larger."""

COLOURS = {"left": "#2a7de1", "right": "#e2711d", "middle": "#6b7280"}
LARGEST_BYTES = 200_000


def main() -> None:
    """Harvest, draw and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--frame", type=int, default=6, help="which of the sixteen moments")
    parser.add_argument("--work", type=Path, help="folder in which footage and harvest are kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = arguments.work or Path(folder)
        made = drawn_harvest(place)
        picture = figure_of(made, arguments.frame)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    for quality in range(90, 40, -5):
        cv2.imwrite(str(arguments.out), picture[..., ::-1], (cv2.IMWRITE_WEBP_QUALITY, quality))
        if arguments.out.stat().st_size < LARGEST_BYTES:
            break
    print(f"{arguments.out}: {picture.shape[1]} x {picture.shape[0]}, {arguments.out.stat().st_size / 1000:.0f} kB")


def drawn_harvest(place: Path) -> Harvest:
    """Film a drawn person and harvest, with a picture of every frame kept; what is there already is used again."""
    take = film(1, "Greeting", 0, place / "footage", filming=FILMING)
    options = HarvestOptions(num_previews=FILMING.num_frames)
    return harvest(take.capture, load_detector("hourglass"), place / "harvest", options=options, resume=True)


def figure_of(made: Harvest, frame: int) -> Any:
    """Return the picture (H, W, 3) of one frame: every view, then the pose in space."""
    row = next(row for row in made.iter_selected() if row.annotations.frame == frame)
    pictures = {name: path for name in made.rig.names if (path := made.preview(frame, name)) is not None}
    views = overlay_frame([row], rig=made.rig, skeleton=made.skeleton, pictures=pictures).views
    figure = Figure(figsize=SIZE_IN, dpi=DPI, facecolor="white")
    left = figure.add_gridspec(2, 2, left=0.005, right=0.455, top=0.995, bottom=0.005, wspace=0.02, hspace=0.02)
    for number, overlay in enumerate(views):
        draw_view(figure.add_subplot(left[number // 2, number % 2]), overlay, made.skeleton)
    draw_space(figure.add_axes((0.46, -0.02, 0.54, 1.04), projection="3d", computed_zorder=False), made, row)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def draw_view(axes: Any, overlay: ViewOverlay, skeleton: Skeleton) -> None:
    """Draw one view's window with limbs and the ellipses of two standard deviations."""
    box, marks = overlay.box, overlay.people[0]
    assert overlay.jpeg is not None
    image = cv2.imdecode(np.frombuffer(overlay.jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    right, bottom = box.left + box.width, box.top + box.height
    axes.imshow(image, extent=(box.left, right, bottom, box.top), interpolation="lanczos")
    for limb in skeleton.limbs:
        if limb.parent in marks and limb.child in marks:
            ends = [marks[limb.parent], marks[limb.child]]
            for colour, width in (("white", 3.6), (COLOURS.get(side_of_limb(skeleton, limb), COLOURS["middle"]), 2.0)):
                axes.plot([end.x for end in ends], [end.y for end in ends], color=colour, linewidth=width)
    for name, mark in marks.items():
        colour = COLOURS.get(side_of_joint(skeleton, name), COLOURS["middle"])
        if mark.ellipse is not None:
            size = {"width": 2 * mark.ellipse.major, "height": 2 * mark.ellipse.minor, "angle": mark.ellipse.angle_deg}
            axes.add_patch(
                Ellipse((mark.x, mark.y), **size, facecolor=(1, 1, 1, 0.25), edgecolor=colour, linewidth=1.1)
            )
        axes.plot(mark.x, mark.y, "o", color=colour, markersize=3.2, markeredgecolor="white", markeredgewidth=0.5)
    trim_x, trim_y = TRIM * box.width, TRIM * box.height
    axes.set(xlim=(box.left + trim_x, right - trim_x), ylim=(bottom - trim_y, box.top + trim_y), aspect="equal")
    axes.set_axis_off()
    axes.text(0.03, 0.03, overlay.view, transform=axes.transAxes, color="white", fontsize=9, fontweight="bold")


def draw_space(axes: Any, made: Harvest, row: SelectedFrame) -> None:
    """Draw the pose with its ellipsoids, the floor in metres."""
    mean, cov, skeleton = row.annotations.mean.numpy() / 1000, row.calibrated_cov, made.skeleton
    roots = matrix_root(cov).numpy() / 1000
    longitude, latitude = np.mgrid[0 : 2 * np.pi : 25j, 0 : np.pi : 13j]
    ball = np.stack((np.cos(longitude) * np.sin(latitude), np.sin(longitude) * np.sin(latitude), np.cos(latitude)), -1)
    for joint, name in enumerate(skeleton.joints):
        surface = mean[joint] + NUM_SIGMAS * ball @ roots[joint]
        colour = COLOURS.get(side_of_joint(skeleton, name), COLOURS["middle"])
        axes.plot_surface(*np.moveaxis(surface, -1, 0), color=colour, alpha=0.28, linewidth=0, shade=True, zorder=3)
    for limb in skeleton.limbs:
        ends = mean[[skeleton.index(limb.parent), skeleton.index(limb.child)]]
        axes.plot(*ends.T, color=COLOURS.get(side_of_limb(skeleton, limb), COLOURS["middle"]), linewidth=3, zorder=2)
    middle = mean[:, :2].mean(0)
    ticks = np.arange(-1.0, 1.01, 0.5)
    for step in ticks:
        for line in (np.stack((ticks, np.full_like(ticks, step))), np.stack((np.full_like(ticks, step), ticks))):
            axes.plot(middle[0] + line[0], middle[1] + line[1], 0, color="#c9ced6", linewidth=0.8, zorder=1)
    sigma = row.sigma_mm.median()
    text = f"ellipsoids of two standard deviations; median sigma {sigma:.0f} mm"
    axes.text2D(0.5, 0.035, text, transform=axes.transAxes, ha="center", fontsize=10, color="#374151")
    axes.set(xlim=middle[0] + (-0.8, 0.8), ylim=middle[1] + (-0.8, 0.8), zlim=(0, 1.8))
    axes.set_box_aspect((1.6, 1.6, 1.8), zoom=1.2)
    axes.view_init(elev=14, azim=-60)
    axes.set_axis_off()


if __name__ == "__main__":
    main()
