"""How far every view's peaks are from the joints' projections, over time: what a harvest tells of its errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.marking import PartLayout
from poseharvest.annotations.records import matrix
from poseharvest.motion.error_times import ErrorTimes, learn_error_times
from poseharvest.storage.columns import view_values

Floats = NDArray[np.float64]

MOST_RECORDS = 3000
"""Records that are looked at: how long errors last does not need more, and memory stays small."""


def error_times(layout: PartLayout) -> ErrorTimes:
    """Return how long the errors of a harvest's first 3,000 records last, all people together.

    A peak counts where its joint is supported and its projection lies in the picture.
    """
    names = ("frame", "time", "person", "supported", "views")
    num_joints, count = len(layout.joints), 0
    frame, time, person, distance = list[Floats](), list[Floats](), list[Floats](), list[Floats]()
    for index, records in enumerate(layout.records_per_part):
        table = layout.read(index, names)
        for values, name in ((frame, "frame"), (time, "time"), (person, "person")):
            values.append(matrix(table, name, num_joints)[:, 0])
        views = view_values(table, layout.num_views)
        supported = matrix(table, "supported", num_joints).reshape(-1, 1)
        counts = supported & (views["inside"] > 0) & (views["peak_score"] > 0)
        pairs = ((views["peak_u"], views["u"]), (views["peak_v"], views["v"]))
        apart = np.stack([np.where(counts, peak - own, np.nan) for peak, own in pairs], -1)
        distance.append(apart.reshape(records, num_joints, -1))
        count += records
        if count >= MOST_RECORDS:
            break
    return _of_all_people(*(np.concatenate(values)[:MOST_RECORDS] for values in (frame, time, person, distance)))


def _of_all_people(frame: Floats, time: Floats, person: Floats, distance: Floats) -> ErrorTimes:
    """Return how long errors last, from N records with (N, J, C) distances in order of (frame, person)."""
    every, first = np.unique(frame, return_index=True)
    if len(every) < 2:
        return ErrorTimes()
    step = int(np.gcd.reduce(np.diff(every).astype(np.int64)))
    step_s = float(np.median(np.diff(time[first]) * step / np.diff(every)))
    stretches = []
    for number in np.unique(person):
        own = person == number
        places = ((frame[own] - frame[own][0]) // step).astype(np.int64)
        stretch = np.full((places[-1] + 1, *distance.shape[1:]), np.nan)
        stretch[places] = distance[own]
        stretches.append(stretch)
    return learn_error_times(stretches, step_s)
