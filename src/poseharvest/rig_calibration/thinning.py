"""The moments that enter the adjustment: those in which the board stands elsewhere, and not more than are needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poseharvest.rig_calibration.sightings import Sighting, Sightings

_STILL_SHARE = 0.004  # of the longer side: a board that moved less in all views is taken once
_SINGLES_A_VIEW = 25


def thinned(sightings: Sightings, views: Sequence[int], max_moments: int) -> list[Sighting]:
    """Return the sightings of the moments to use.

    Moments in which the board stands where it was in the one before are left out. Of those that several cameras see, at
    most `max_moments` remain, of those that one camera sees 25 for each: they help its lens alone.

    Args:
        sightings: all of them.
        views: indices of the cameras to calibrate.
        max_moments: largest number of moments that several cameras see.
    """
    by_frame: dict[int, list[Sighting]] = {}
    for one in sightings.found:
        if one.view in views:
            by_frame.setdefault(one.frame, []).append(one)
    moving: list[list[Sighting]] = []
    for frame in sorted(by_frame):
        if not moving or not _is_still(moving[-1], by_frame[frame], sightings):
            moving.append(by_frame[frame])
    chosen = _evenly([moment for moment in moving if len(moment) > 1], max_moments)
    for view in views:
        alone = [moment for moment in moving if len(moment) == 1 and moment[0].view == view]
        chosen += _evenly(alone, _SINGLES_A_VIEW)
    return [one for moment in sorted(chosen, key=lambda moment: moment[0].frame) for one in moment]


def _is_still(before: Sequence[Sighting], now: Sequence[Sighting], sightings: Sightings) -> bool:
    if [one.view for one in before] != [one.view for one in now]:
        return False
    return all(_moved_share(a, b, sightings) < _STILL_SHARE for a, b in zip(before, now, strict=True))


def _moved_share(before: Sighting, now: Sighting, sightings: Sightings) -> float:
    _, a, b = np.intersect1d(before.corners.ids, now.corners.ids, return_indices=True)
    if not len(a):
        return 1.0
    moved = np.linalg.norm(before.corners.pixels[a] - now.corners.pixels[b], axis=1).max()
    return float(moved) / max(sightings.image_sizes[now.view])


def _evenly(moments: list[list[Sighting]], most: int) -> list[list[Sighting]]:
    if len(moments) <= most:
        return list(moments)
    return [moments[place] for place in np.linspace(0, len(moments) - 1, most).round().astype(int)]
