"""What a page shows of contents that may be too large for it, and the sentences on what it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from poseharvest.annotations.info import INFO_FILE
from poseharvest.report.collect import ReportContent
from poseharvest.report.overlays import FrameOverlay
from poseharvest.report.page_limit import JSON_BYTES, OVERLAY_BYTES, evenly_kept


@dataclass(frozen=True)
class DrawnMoment:
    """A pictured frame as it stands in the page.

    Attributes:
        moment: the frame.
        pictures: the name of each view, and its drawing.
    """

    moment: FrameOverlay
    pictures: tuple[tuple[str, Markup], ...]

    @property
    def num_bytes(self) -> int:
        """What the drawings take of a page."""
        return sum(len(drawing) for _, drawing in self.pictures)


@dataclass(frozen=True)
class Fitted:
    """Contents as they fit into a page.

    Attributes:
        drawn: pictured frames.
        record: text of `harvest.json`; None if it is too long.
        left_out: a sentence on each kind of content of which something is left out.
    """

    drawn: tuple[DrawnMoment, ...]
    record: str | None
    left_out: tuple[str, ...]


def fit_into_page(content: ReportContent, draw: Callable[..., Markup]) -> Fitted:
    """Return the contents that may be large, thinned to their shares of a page.

    Args:
        content: of the report.
        draw: returns the drawing of a view, with a `label`.
    """
    every = tuple(_drawn(moment, draw) for moment in content.overlays)
    kept = evenly_kept([one.num_bytes for one in every], OVERLAY_BYTES)
    record = content.info.model_dump_json(indent=2)
    fits = len(record) <= JSON_BYTES
    left_out = []
    if (missing := len(every) - len(kept)) > 0:
        left_out.append(f"{missing} of the {len(every)} frames with large pictures.")
    if (missing := content.pictures.num_left_out) > 0:
        left_out.append(f"the small pictures of {missing} of {missing + len(content.pictures.frames)} frames.")
    if not fits:
        left_out.append(f"the text of {INFO_FILE}, which lies in the harvest folder.")
    return Fitted(tuple(every[k] for k in kept), record if fits else None, tuple(left_out))


def _drawn(moment: FrameOverlay, draw: Callable[..., Markup]) -> DrawnMoment:
    labels = ((view, f"camera {view.view}, frame {moment.frame}") for view in moment.views)
    return DrawnMoment(moment, tuple((view.view, draw(view, label=label)) for view, label in labels))
