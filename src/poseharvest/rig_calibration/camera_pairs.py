"""How two cameras stand to each other, by the consensus of the moments in which both see the board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from poseharvest.boards.board import Board, Floats
from poseharvest.rig_calibration.board_poses import BoardPose
from poseharvest.rig_calibration.lenses import Lens

Poses = Mapping[int, BoardPose]
"""The poses of the board before one camera, by frame."""

AGREE_SHARE = 0.015
"""Distance, as a share of the longer side of the picture, up to which two cameras agree on where the board is."""

_MAX_HYPOTHESES, _MAX_MOMENTS = 40, 120
_OTHER_ANGLE_DEG = 15.0
_OTHER_SCORE = 0.8  # of the best score: a second, different answer that scores as much makes a pair ambiguous


@dataclass(frozen=True, eq=False)
class Pair:
    """What the pictures of two cameras say of how these stand to each other.

    Attributes:
        views: indices of the two cameras.
        first_from_second: (4, 4) pose of the second camera in the frame of the first, mm.
        num_shared: moments in which both see the board.
        num_agreeing: moments that agree with this pose.
        median_px: median distance, in the first camera, of the board to where the second one sees it, pixels.
        is_ambiguous: another pose, turned by more than 15 degrees, fits nearly as many moments.
    """

    views: tuple[int, int]
    first_from_second: Floats = field(repr=False)
    num_shared: int
    num_agreeing: int
    median_px: float
    is_ambiguous: bool

    @property
    def share(self) -> float:
        """Share of the moments that agree."""
        return self.num_agreeing / self.num_shared


def outline(board: Board) -> Floats:
    """Return the (4, 4) homogeneous outer inner-corners of a board in its frame, one a column, mm."""
    ends = board.corner_points[[0, board.columns - 2, -(board.columns - 1), -1]]
    return np.concatenate((ends, np.ones((4, 1))), 1).T


def turns_of(board: Board) -> Floats:
    """Return the (S, 4, 4) turns of the board about itself that a picture cannot tell from none."""
    return np.stack([np.eye(4), board.half_turn] if board.is_symmetric else [np.eye(4)])


def compare_pair(
    board: Board,
    views: tuple[int, int],
    poses: tuple[Poses, Poses],
    lens: Lens,
    *,
    delay: int = 0,
) -> Pair | None:
    """Return how two cameras stand to each other; None if they share no moment.

    Every shared moment proposes a pose, and with a chessboard that looks the same after half a turn a second one. The
    proposal wins with which the most moments agree.

    Args:
        board: the board.
        views: indices of the cameras.
        poses: of the board before each of them.
        lens: of the first camera, for distances in its pixels.
        delay: frames by which the pictures of the second camera are taken to be late.
    """
    first, second = poses
    shared = [frame for frame in sorted(first) if frame + delay in second]
    if not shared:
        return None
    moments = [shared[place] for place in _spread(len(shared), _MAX_MOMENTS)]
    a = np.stack([first[frame].cam_from_board for frame in moments])
    b = np.stack([second[frame + delay].cam_from_board for frame in moments])
    turns = turns_of(board)
    proposing = _spread(len(moments), _MAX_HYPOTHESES)
    proposals = np.stack([a[n] @ turn @ np.linalg.inv(b[n]) for n in proposing for turn in turns])
    distances = _distances(board, proposals, (a, b), float(lens.values[0]))
    tolerance = AGREE_SHARE * max(lens.image_size)
    scores = np.clip(1 - (distances / tolerance) ** 2, 0, None).sum(1)
    best = int(scores.argmax())
    agreeing = int((distances[best] < tolerance).sum())
    return Pair(
        views=views,
        first_from_second=proposals[best],
        num_shared=len(shared),
        num_agreeing=round(agreeing * len(shared) / len(moments)),
        median_px=float(np.median(distances[best])),
        is_ambiguous=_has_rival(proposals, scores, best),
    )


def _spread(count: int, most: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _distances(board: Board, proposals: Floats, poses: tuple[Floats, Floats], focal_px: float) -> Floats:
    """Return (P, M) the mean distances of the outline in the first camera, pixels, for each proposal and moment."""
    first, second = poses
    ends = outline(board)
    there = _flat(first @ ends)  # (M, 2, 4)
    best = np.full((len(proposals), len(first)), np.inf)
    for turn in turns_of(board):
        from_second = _flat(proposals[:, None] @ (second @ turn @ ends)[None])
        best = np.minimum(best, np.linalg.norm(from_second - there, axis=2).mean(-1))
    return np.asarray(focal_px * best, dtype=np.float64)


def _flat(points: Floats) -> Floats:
    """Return x / z and y / z (..., 2, N) of points (..., 4, N); far outside for those behind the camera."""
    depth = points[..., 2:3, :]
    return np.where(depth > 1.0, points[..., :2, :] / np.maximum(depth, 1.0), 1e6)


def _has_rival(proposals: Floats, scores: Floats, best: int) -> bool:
    cosines = (np.einsum("pij,ij->p", proposals[:, :3, :3], proposals[best, :3, :3]) - 1) / 2
    others = cosines < np.cos(np.radians(_OTHER_ANGLE_DEG))
    return bool(others.any() and scores[others].max() > _OTHER_SCORE * scores[best])


def is_connected(pair: Pair | None, min_shared: int) -> bool:
    """Return whether a pair has enough moments that agree, more than a third of all, and no rival."""
    return (
        pair is not None
        and pair.num_agreeing >= min_shared
        and 3 * pair.num_agreeing > pair.num_shared
        and (not pair.is_ambiguous)
    )


def place_cameras(num_views: int, pairs: Sequence[Pair], min_shared: int) -> dict[int, Floats]:
    """Return (4, 4) cam_from_world of the largest group of connected cameras; the world is that of its first camera.

    The strongest connections form a tree: a spanning tree with the most agreeing moments.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

    good = [pair for pair in pairs if is_connected(pair, min_shared)]
    # SciPy before 1.13 wants numbers of 32 bits here.
    rows, columns = (np.array([pair.views[k] for pair in good], dtype=np.int32) for k in (0, 1))
    weights = [1 / pair.num_agreeing for pair in good]
    graph = coo_array((weights, (rows, columns)), shape=(num_views, num_views)).tocsr()
    _, labels = connected_components(graph, directed=False)
    group = np.flatnonzero(labels == np.bincount(labels).argmax())
    tree = minimum_spanning_tree(graph)
    order, parents = breadth_first_order(tree, group[0], directed=False)
    between = {pair.views: pair.first_from_second for pair in good}
    between |= {(b, a): np.asarray(np.linalg.inv(pose), dtype=np.float64) for (a, b), pose in between.items()}
    placed = {int(group[0]): np.eye(4)}
    for view in map(int, order[1:]):
        parent = int(parents[view])
        placed[view] = between[view, parent] @ placed[parent]
    return placed
