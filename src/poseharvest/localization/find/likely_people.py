"""Which detections of the next frames will probably be assigned to whom: those nearest to the ones before.

This is a guess, so that many frames can be triangulated together beforehand (`pose_memory`). It decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poseharvest.localization.find.assign import MAX_MISFIT, misfits
from poseharvest.localization.find.scan import Candidate

Members = tuple[Candidate, ...]


def likely_people(people: Sequence[Members], frames: Sequence[Sequence[Candidate]]) -> list[list[Members]]:
    """Return for each of F frames the candidates that people probably have, in order of the views.

    Args:
        people: the candidates of each person in the frame before, at most one a view. If nobody is known, the most
            confident candidates of the views are taken for one person.
        frames: the candidates of all views, the most confident one first.
    """
    last = [{member.view: member for member in members} for members in people]
    likely = []
    for candidates in frames:
        in_view: dict[int, list[Candidate]] = {}
        for candidate in candidates:
            in_view.setdefault(candidate.view, []).append(candidate)
        if last:
            found = [_follow(members, in_view, is_alone=len(last) == 1) for members in last]
            last = [before | after for before, after in zip(last, found, strict=True)]
        else:
            found = [{view: own[0] for view, own in in_view.items()}]
        likely.append([tuple(own[view] for view in sorted(own)) for own in found if own])
    return likely


def _follow(
    members: Mapping[int, Candidate], in_view: Mapping[int, Sequence[Candidate]], *, is_alone: bool
) -> dict[int, Candidate]:
    """Return the candidate of each view that is nearest to the person's last one there, if it is near at all."""
    found = {}
    for view, before in members.items():
        candidates = in_view.get(view, ())
        if is_alone and len(candidates) == 1:
            found[view] = candidates[0]
        elif candidates:
            misfit = misfits(candidates, before.pixels, before.scores > 0)
            if float(misfit.min()) < MAX_MISFIT:
                found[view] = candidates[int(misfit.argmin())]
    return found
