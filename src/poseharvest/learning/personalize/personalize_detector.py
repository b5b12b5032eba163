"""`personalize`: from a harvest to a detector adapted to it, and a better harvest (Sec. 3.4, 4.4)."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from poseharvest.annotations.across_harvests import recorded_reviews
from poseharvest.annotations.harvest_footage import check_footage, open_footage_of
from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.protocol import HeatmapDetector, details_of
from poseharvest.errors import TrainingError
from poseharvest.learning.heatmaps2d.network_files import write_both
from poseharvest.learning.loop.processes import process_group
from poseharvest.learning.personalize.finetune import trainable
from poseharvest.learning.personalize.harvest_again import harvested_frames
from poseharvest.learning.personalize.personalize_options import PersonalizationOptions
from poseharvest.learning.personalize.rounds import WEIGHTS, Round, RoundInputs, detector_of, run_round
from poseharvest.localization.boxes import Boxes
from poseharvest.progress import OnProgress
from poseharvest.skeleton.skeleton import require_joints
from poseharvest.storage.run_folder import RunFolder
from poseharvest.versions import current_versions

FORMAT: Final = "poseharvest personalization"
RESULT, ONNX = "personalization.json", "model.onnx"


@dataclass(frozen=True, eq=False)
class Personalization:
    """What `personalize` gives.

    Attributes:
        folder: with `weights.safetensors`, `model.onnx`, `personalization.json` and a folder a round.
        rounds: those that were run.
        best: index of the round whose weights were kept.
        findings: what the user should know, in sentences.
    """

    folder: Path
    rounds: tuple[Round, ...]
    best: int
    findings: tuple[str, ...]

    @property
    def weights(self) -> Path:
        """The network, for `load_detector`."""
        return self.folder / WEIGHTS

    @property
    def harvest(self) -> Harvest:
        """The harvest by the adapted network."""
        return self.rounds[self.best].harvest


def personalize(  # noqa: PLR0913 - the stage's inputs, each optional one of its own kind
    harvest: Harvest | Path | str,
    detector: HeatmapDetector,
    out: Path | str,
    *,
    options: PersonalizationOptions | None = None,
    capture: FrameSource | Path | None = None,
    boxes: Boxes | None = None,
    overwrite: bool = False,
    resume: bool = False,
    on_progress: OnProgress | None = None,
) -> Personalization:
    """Fine-tune a detector on a harvest, harvest again with it, and compare.

    Run by torchrun, the processes share every step of the training. The first of them does all the rest.

    Args:
        harvest: the annotations. A folder is opened with what people decided about its joints, which the first round
            learns; before and after are compared without it.
        detector: the network that made them, or another one with the same joints.
        out: the folder to make.
        options: the defaults if None.
        capture: the footage, or its folder, if it is not where the harvest says.
        boxes: windows around the person, if the harvest was made with some.
        overwrite: replace an earlier personalisation at `out`.
        resume: continue an interrupted one at `out`.
        on_progress: hears how far it is.

    Raises:
        ConfigError: torchrun started more processes than there are GPUs, or more than share a batch evenly.
        TrainingError: the detector has no network, there are too few annotations, the loss is not finite, or the run
            was interrupted: `resume` then continues from the last checkpoint.
        SkeletonError: the harvest has other joints than the detector.
        CaptureError: the footage is missing or is not the harvest's.
        StoreError: `out` exists, or cannot be written.
    """
    opened = harvest if isinstance(harvest, Harvest) else Harvest.open(harvest).with_reviews()
    options = options or PersonalizationOptions()
    generic = trainable(detector)
    _check_skeleton(opened, generic)
    footage = open_footage_of(opened, capture) if capture is None or isinstance(capture, Path) else capture
    check_footage(opened, footage)
    learned, judged = split_frames(harvested_frames(opened), options.held_out)
    folder = Path(out)
    settings = {
        "harvest": str(opened.path.resolve()),
        "weights": details_of(detector),
        "options": _lasting_options(options),
        **recorded_reviews([opened]),
    }
    run = RunFolder(folder, RESULT, FORMAT)
    with ExitStack() as stack, process_group(options.training.device) as (processes, device):
        if processes.is_first:
            stack.enter_context(run.running(settings, overwrite=overwrite, resume=resume))
        here = replace(options, training=replace(options.training, device=device))
        listener = on_progress or (lambda _: None)
        inputs = RoundInputs(
            generic, opened.without_reviews(), footage, boxes, learned, judged, here, listener, processes
        )
        rounds = _run_rounds(inputs, opened, folder, resume=resume)

        def conclude() -> Personalization:
            result = _concluded(inputs, rounds, folder)
            judged_frames = [judged.start, judged.stop]
            run.write({"finished": True, **settings, "judged_frames": judged_frames, **_as_dict(result)})
            return result

        return processes.from_first(conclude)


def _concluded(inputs: RoundInputs, rounds: list[Round], folder: Path) -> Personalization:
    """Write the best round's network, and return the result."""
    best = min(range(len(rounds)), key=lambda index: rounds[index].disagreement)
    findings = _findings(inputs, rounds[best], inputs.first)
    findings += write_both(detector_of(rounds[best], inputs.detector), folder / WEIGHTS, folder / ONNX)
    return Personalization(folder, tuple(rounds), best, tuple(findings))


def split_frames(frames: range, held_out: float) -> tuple[range, range]:
    """Return the frames to learn from and those to judge by: the last share, or all frames twice if it is 0."""
    num_held_out = round(held_out * len(frames))
    if num_held_out == 0:
        return frames, frames
    return frames[:-num_held_out], frames[-num_held_out:]


def _run_rounds(inputs: RoundInputs, source: Harvest, folder: Path, *, resume: bool) -> list[Round]:
    """Return the rounds; the first learns from `source`, each other one from the harvest of the round before."""
    rounds: list[Round] = []
    best = float("inf")
    for number in range(1, inputs.options.rounds + 1):
        finished = run_round(inputs, source, folder / f"round-{number}", resume=resume)
        rounds.append(finished)
        lowest = min(best, float(finished.comparison["before"]["disagreement"]))
        if not finished.disagreement < (1 - inputs.options.min_gain) * lowest:
            break
        best, source = finished.disagreement, finished.harvest
    return rounds


def _check_skeleton(harvest: Harvest, detector: HeatmapDetector) -> None:
    ours, theirs = harvest.skeleton, detector.skeleton
    require_joints(ours.joints, theirs.joints, wanted_by=f"harvest {harvest.path}", offered_by=detector.name)
    if ours.joints != theirs.joints:
        raise TrainingError(f"{harvest.path}: has the joints of {detector.name} in another order: harvest it again")


def _findings(inputs: RoundInputs, best: Round, harvest: Harvest) -> list[str]:
    findings = []
    if not best.disagreement < float(best.comparison["before"]["disagreement"]):
        findings.append(
            "it did not help: on the judged frames the cameras disagree no less than before; keep the old network"
        )
    if inputs.judged == inputs.learned:
        findings.append("no frames were held out: before and after are compared on frames that were learned from")
    if harvest.info.options.get("boxes_given") and inputs.boxes is None:
        findings.append("the harvest was made with boxes, the new one without: the person was searched for")
    made_by, details = harvest.info.detector.details, details_of(inputs.detector)
    if not all(made_by.get(key, value) == value for key, value in details.items() if key.endswith("sha256")):
        findings.append(f"the harvest was made by another {inputs.detector.name} than the one that was fine-tuned")
    return findings


def _lasting_options(options: PersonalizationOptions) -> dict[str, Any]:
    """Return the options that must not change when a run is resumed; more rounds are allowed."""
    return {name: value for name, value in options.as_dict().items() if name not in {"rounds", "min_gain"}}


def _as_dict(result: Personalization) -> dict[str, Any]:
    return {
        "best_round": result.best + 1,
        "rounds": [one.as_dict() for one in result.rounds],
        "findings": list(result.findings),
        "versions": current_versions(),
    }
