"""`train3d`: from harvests to a network that gives 3D poses from single pictures (Sec. 3.5, 4.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.across_harvests import OVER_COMPARABLE, recorded_reviews, select_comparable
from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import FrameSource
from poseharvest.errors import ConfigError, TrainingError
from poseharvest.learning.heatmaps2d.network_files import warn_of_missing_onnx
from poseharvest.learning.loop.fit import fit, report_steps
from poseharvest.learning.loop.processes import ALONE, Processes, process_group
from poseharvest.learning.loop.samples import SampleSource
from poseharvest.learning.loop.steps import Trainer
from poseharvest.learning.pose3d.pose_model import (
    ONNX,
    WEIGHTS,
    PoseModel,
    new_regressor,
    preprocessing_of,
    write_model,
    write_model_onnx,
)
from poseharvest.learning.pose3d.pose_samples import HarvestFootage, cut_judged, cut_learned, open_harvests
from poseharvest.learning.pose3d.pose_task import RegressionTask
from poseharvest.learning.pose3d.regression_options import RegressionOptions
from poseharvest.networks.regressor import PoseRegressor
from poseharvest.progress import OnProgress
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton, require_joints
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.run_folder import RunFolder
from poseharvest.storage.staging import scratch_folder
from poseharvest.versions import current_versions

FORMAT: Final = "poseharvest 3D training"
RESULT, CHECKPOINT = "training3d.json", "checkpoint"
_LITTLE: Final = 0.5  # of what a harvest selects on its own


@dataclass(frozen=True, eq=False)
class Training3d:
    """What `train3d` gives.

    Attributes:
        folder: with `weights.safetensors`, `model.onnx`, `model.json`, `training3d.json` and the checkpoint.
        curve: a row an epoch: "epoch", "step", "loss", and on the held-out frames "error_px" and "depth_error_mm".
        findings: what the user should know, in sentences.
    """

    folder: Path
    curve: tuple[Mapping[str, float], ...]
    findings: tuple[str, ...]

    @property
    def weights(self) -> Path:
        """The network, for `load_model`."""
        return self.folder / WEIGHTS


def train3d(  # noqa: PLR0913 - the stage's inputs, each optional one of its own kind
    harvests: Sequence[Harvest | Path | str],
    out: Path | str,
    *,
    options: RegressionOptions | None = None,
    captures: Sequence[FrameSource | Path | None] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    on_progress: OnProgress | None = None,
) -> Training3d:
    """Train a 3D network from scratch on the reliable joints of some harvests.

    Run by torchrun, the processes share every step. The first of them does all the rest.

    What is reliable is chosen from among all harvests of one kind of detector, inference and rule of selection together
    (`select_comparable`). A harvest that compares with no other keeps its own selection.

    Args:
        harvests: one or more, all of one skeleton.
        out: the folder to make.
        options: the defaults if None.
        captures: the footage of each harvest, or its folder, where it is not where the harvest says.
        overwrite: replace an earlier training at `out`.
        resume: continue an interrupted one at `out`.
        on_progress: hears how far it is.

    Raises:
        ConfigError: torchrun started more processes than there are GPUs, or more than share a batch evenly.
        SkeletonError: a harvest has other joints than the first.
        TrainingError: there are too few annotations, the loss is not finite, or the run was interrupted: `resume` then
            continues from the last checkpoint.
        CaptureError: footage is missing or is not the harvest's.
        CalibrationError: a camera is affine.
        StoreError: `out` exists, or cannot be written.
    """
    options, listener = options or RegressionOptions(), on_progress or (lambda _: None)
    opened = [one if isinstance(one, Harvest) else Harvest.open(one).with_reviews() for one in harvests]
    skeleton = require_one_skeleton(opened)
    marks = select_comparable(opened)
    footage = open_harvests(opened, captures or [None] * len(opened), marks, options)
    run = RunFolder(Path(out), RESULT, FORMAT)
    settings = {
        "harvests": [str(one.path.resolve()) for one in opened],
        "selected_over": OVER_COMPARABLE,
        "options": _lasting_options(options),
        **recorded_reviews(opened),
    }
    with ExitStack() as stack, process_group(options.training.device) as (processes, device):
        check_shares(options, processes)
        if processes.is_first:
            stack.enter_context(run.running(settings, overwrite=overwrite, resume=resume))
            warn_of_missing_onnx()
        here = replace(options, training=replace(options.training, device=device))
        trainer = train_on(
            footage, skeleton, run.path, options=here, resume=resume, on_progress=listener, processes=processes
        )
        trainer.network.load_state_dict(trainer.result())

        def conclude() -> Training3d:
            network = cast(PoseRegressor, trainer.network.cpu().eval())
            findings = [] if options.all_joints or options.weighted else _hardly_selected(opened, marks)
            findings += _write_network(PoseModel(network, skeleton, common_lengths(opened)), run.path)
            if trainer.curve and "error_px" not in trainer.curve[-1]:
                findings.append("no frames were held out: nothing says how good the network is on what it has not seen")
            result = Training3d(run.path, tuple(trainer.curve), tuple(findings))
            run.write({"finished": True, **settings, **_record(result, footage, marks)})
            return result

        return processes.from_first(conclude)


def check_shares(options: RegressionOptions, processes: Processes) -> None:
    """Raise ConfigError if a process gets too few pictures of a step for its batch norm."""
    training, least = options.training, 2 * processes.count
    if processes.count > 1 and not training.frozen_norms and training.batch_size < least:
        raise ConfigError(
            f"batch_size: expected {least} or more, since each of {processes.count} processes has its own batch norm, "
            f"got {training.batch_size}"
        )


def _record(
    result: Training3d, footage: Sequence[HarvestFootage], marks: Sequence[NDArray[np.bool_]]
) -> dict[str, Any]:
    """Return what `training3d.json` says of a finished training beside its settings."""
    return {
        "learned_pictures": [len(one.learned) for one in footage],
        "selected_joints": [int(selected.sum()) for selected in marks],
        "curve": [dict(row) for row in result.curve],
        "findings": list(result.findings),
        "versions": current_versions(),
    }


def require_one_skeleton(harvests: Sequence[Harvest]) -> Skeleton:
    """Return the skeleton that all harvests have.

    Raises:
        TrainingError: there is no harvest, or one has the joints in another order or under another root.
        SkeletonError: a harvest has other joints than the first.
    """
    if not harvests:
        raise TrainingError("training: expected one harvest or more, got none")
    first = harvests[0]
    for other in harvests[1:]:
        ours, theirs = first.skeleton, other.skeleton
        require_joints(ours.joints, theirs.joints, wanted_by=f"harvest {first.path}", offered_by=str(other.path))
        if (ours.joints, ours.root) != (theirs.joints, theirs.root):
            raise TrainingError(f"{other.path}: has the joints of {first.path} in another order, or another root")
    return first.skeleton


def common_lengths(harvests: Sequence[Harvest]) -> LimbLengths:
    """Return the median length of every limb over the people of some harvests, mm."""
    by_limb: dict[tuple[str, str], list[float]] = {}
    for harvest in harvests:
        pairs = {limb.name: (limb.parent, limb.child) for limb in harvest.skeleton.limbs}
        info = harvest.info
        for lengths in [person.limb_lengths_mm for person in info.people] or [info.limb_lengths_mm]:
            for name, length in lengths.items():
                by_limb.setdefault(pairs[name], []).append(length)
    return LimbLengths({limb: median(lengths) for limb, lengths in by_limb.items()})


def train_on(  # noqa: PLR0913 - what learns from what, how, where, with whom, and who hears of it
    footage: Sequence[HarvestFootage],
    skeleton: Skeleton,
    folder: Path,
    *,
    options: RegressionOptions,
    resume: bool,
    on_progress: OnProgress,
    processes: Processes = ALONE,
) -> Trainer:
    """Return the trainer of a new network after its last step.

    Args:
        footage: of each harvest, with the labels to learn.
        skeleton: of them all.
        folder: takes the checkpoint, and the pictures as long as it lasts.
        options: of the training.
        resume: continue from the checkpoint, if there is one.
        on_progress: hears how far it is.
        processes: who trains together; the first of them cuts out the pictures.

    Raises:
        TrainingError: the loss is not finite, or the run was interrupted.
        CaptureError: the footage lacks a picture.
    """
    task = RegressionTask(skeleton, preprocessing_of(options.input_px))
    network = new_regressor(skeleton, input_px=options.input_px, features=options.features, seed=options.training.seed)
    with ExitStack() as stack, os_errors_as_store_errors(folder):

        def cut() -> tuple[SampleSource, SampleSource | None]:
            scratch = stack.enter_context(scratch_folder(folder / "pictures"))
            learned = cut_learned(footage, scratch, options, on_progress)
            return learned, cut_judged(footage, scratch, options, on_progress)

        learned, judged = processes.from_first(cut)
        trainer = Trainer(network, task, learned, options.training, processes=processes)
        fit(
            trainer,
            folder / CHECKPOINT,
            validation=judged,
            resume=resume,
            on_progress=report_steps(on_progress),
        )
        processes.wait()  # until nobody needs the pictures
    return trainer


def _hardly_selected(harvests: Sequence[Harvest], marks: Sequence[NDArray[np.bool_]]) -> list[str]:
    """Return a sentence for every harvest that loses most of its selection to more certain harvests."""
    return [
        f"{harvest.path}: {selected.sum()} joints are reliable beside those of the other harvests, of {own} that were "
        "selected on their own: little of it is learned"
        for harvest, selected in zip(harvests, marks, strict=True)
        if selected.sum() < _LITTLE * (own := sum(joint.selected for joint in harvest.info.selection.joints))
    ]


def _write_network(model: PoseModel, folder: Path) -> list[str]:
    """Write the network as safetensors and ONNX; return why there is no ONNX, if so."""
    write_model(model, folder / WEIGHTS)
    try:
        write_model_onnx(model, folder / ONNX)
    except TrainingError as error:
        return [str(error)]
    return []


def _lasting_options(options: RegressionOptions) -> dict[str, Any]:
    return {**options.as_dict(), "training": options.training.lasting_as_dict()}
