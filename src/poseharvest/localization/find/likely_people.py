"""Which detections of the next frames will probably be assigned to whom: those nearest to the ones before.

This is a guess, so that many frames can be triangulated together beforehand (`pose_memory`). It decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from poseharvest.localization.find.assign import MAX_MISFIT, misfits
from poseharvest.localization.find.scan import Candidate

Members = tuple[Candidate, ...]


def likely_people(people: Sequence[Members], frames: Sequence[Sequence[Candidate]]) -> list[list[Members]]:
    """Return for each of F frames the candidates that people probably have, in order of the views.

    Args:
        people: the candidates of each person in the frames before, at most one a view. If nobody is known, the most
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
            found = _follow(last, in_view)
            last = [before | after for before, after in zip(last, found, strict=True)]
        else:
            found = [{view: own[0] for view, own in in_view.items()}]
        likely.append([tuple(own[view] for view in sorted(own)) for own in found if own])
    return likely


def _follow(
    people: Sequence[Mapping[int, Candidate]], in_view: Mapping[int, Sequence[Candidate]]
) -> list[dict[int, Candidate]]:
    """Return for each person the candidate of each view that is nearest to their last one there, if it is near."""
    found: list[dict[int, Candidate]] = [{} for _ in people]
    for view, candidates in in_view.items():
        known = [(own, members[view]) for own, members in zip(found, people, strict=True) if view in members]
        if not known:
            continue
        if len(people) == len(candidates) == 1:
            found[0][view] = candidates[0]
            continue
        pixels, scores = (torch.stack([getattr(one, name) for _, one in known]) for name in ("pixels", "scores"))
        fits = misfits(candidates, pixels.unsqueeze(1), scores.unsqueeze(1) > 0).tolist()
        for (own, _), misfit in zip(known, fits, strict=True):
            if min(misfit) < MAX_MISFIT:
                own[view] = candidates[misfit.index(min(misfit))]
    return found
