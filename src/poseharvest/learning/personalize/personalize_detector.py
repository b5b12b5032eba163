"""`personalize`: from a harvest to a detector adapted to it, and a better harvest (Sec. 3.4, 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from poseharvest.annotations.across_harvests import recorded_reviews
from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.protocol import HeatmapDetector, details_of
from poseharvest.learning.heatmaps2d.network_files import write_both
from poseharvest.learning.loop.processes import process_group
from poseharvest.learning.personalize.finetune import trainable
from poseharvest.learning.personalize.harvested_takes import HarvestedTake, open_takes
from poseharvest.learning.personalize.personalize_options import PersonalizationOptions
from poseharvest.learning.personalize.rounds import WEIGHTS, Round, RoundInputs, detector_of, run_round
from poseharvest.localization.boxes import Boxes
from poseharvest.progress import OnProgress
from poseharvest.storage.run_folder import RunFolder
from poseharvest.versions import current_versions

T = TypeVar("T")

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
        """The harvest by the adapted network; of several takes the first."""
        return self.harvests[0]

    @property
    def harvests(self) -> tuple[Harvest, ...]:
        """The harvests by the adapted network, one a take."""
        return self.rounds[self.best].harvests


def personalize(  # noqa: PLR0913 - the stage's inputs, each optional one of its own kind
    harvest: Harvest | Path | str | Sequence[Harvest | Path | str],
    detector: HeatmapDetector,
    out: Path | str,
    *,
    options: PersonalizationOptions | None = None,
    capture: FrameSource | Path | Sequence[FrameSource | Path | None] | None = (),
    boxes: Boxes | Sequence[Boxes | None] | None = (),
    subjects: Sequence[str] = (),
    overwrite: bool = False,
    resume: bool = False,
    on_progress: OnProgress | None = None,
) -> Personalization:
    """Fine-tune a detector on a harvest, or on several of one person, harvest again with it, and compare.

    Run by torchrun, the processes share every step of the training. The first of them does all the rest.

    Args:
        harvest: the annotations of one take, or of several. A folder is opened with what people decided about its
            joints, which the first round learns; before and after are compared without it. Of several takes the
            reliable joints are selected as if all were one (Sec. 3.3).
        detector: the network that made them, or another one with the same joints.
        out: the folder to make.
        options: the defaults if None.
        capture: the footage, or its folder, if it is not where the harvest says; of several takes one each.
        boxes: windows around the person, if the harvest was made with some; of several takes one each.
        subjects: whose take each is, if one network is to learn several people; each person's reliable joints are then
            selected from their own takes. None for takes of one person.
        overwrite: replace an earlier personalisation at `out`.
        resume: continue an interrupted one at `out`.
        on_progress: hears how far it is.

    Raises:
        ConfigError: a harvest is given twice, captures, boxes or subjects are not as many as harvests, or torchrun
            started more processes than there are GPUs, or more than share a batch evenly.
        TrainingError: the detector has no network, there are too few annotations, the loss is not finite, or the run
            was interrupted: `resume` then continues from the last checkpoint.
        SkeletonError: the harvest has other joints than the detector.
        CaptureError: the footage is missing or is not the harvest's.
        StoreError: `out` exists, or cannot be written.
    """
    options = options or PersonalizationOptions()
    generic = trainable(detector)
    takes = open_takes(
        _many(harvest), _many(capture), _many(boxes), generic, held_out=options.held_out, subjects=subjects
    )
    opened = [take.harvest for take in takes]
    folder = Path(out)
    settings = {
        "harvests": [str(one.path.resolve()) for one in opened],
        "weights": details_of(detector),
        "options": _lasting_options(options),
        **({"subjects": list(subjects)} if subjects else {}),
        **recorded_reviews(opened),
    }
    run = RunFolder(folder, RESULT, FORMAT)
    with ExitStack() as stack, process_group(options.training.device) as (processes, device):
        if processes.is_first:
            stack.enter_context(run.running(settings, overwrite=overwrite, resume=resume))
        here = replace(options, training=replace(options.training, device=device))
        listener = on_progress or (lambda _: None)
        inputs = RoundInputs(generic, takes, here, listener, processes)
        rounds = _run_rounds(inputs, folder, resume=resume)

        def conclude() -> Personalization:
            result = _concluded(inputs, rounds, folder)
            judged_frames = [[take.judged.start, take.judged.stop] for take in takes]
            run.write({"finished": True, **settings, "judged_frames": judged_frames, **_as_dict(result)})
            return result

        return processes.from_first(conclude)


def _concluded(inputs: RoundInputs, rounds: list[Round], folder: Path) -> Personalization:
    """Write the best round's network, and return the result."""
    best = min(range(len(rounds)), key=lambda index: rounds[index].rating)
    findings = _findings(inputs, rounds[best])
    findings += write_both(detector_of(rounds[best], inputs.detector), folder / WEIGHTS, folder / ONNX)
    return Personalization(folder, tuple(rounds), best, tuple(findings))


def _run_rounds(inputs: RoundInputs, folder: Path, *, resume: bool) -> list[Round]:
    """Return the rounds; the first learns from what was given, each other one from the harvests of the round before."""
    rounds: list[Round] = []
    best, sources = float("inf"), tuple(take.harvest for take in inputs.takes)
    for number in range(1, inputs.options.rounds + 1):
        finished = run_round(inputs, sources, folder / f"round-{number}", resume=resume)
        rounds.append(finished)
        lowest = min(best, finished.rating_before)
        if not finished.rating < (1 - inputs.options.min_gain) * lowest:
            break
        best, sources = finished.rating, finished.harvests
    return rounds


def _findings(inputs: RoundInputs, best: Round) -> list[str]:
    findings = []
    if not best.rating < best.rating_before:
        findings.append(
            "it did not help: on the judged frames the cameras disagree no less than before; keep the old network"
        )
    if any(take.judged == take.learned for take in inputs.takes):
        findings.append("no frames were held out: before and after are compared on frames that were learned from")
    for take in inputs.takes:
        findings += [f"{_named(take, inputs)}{finding}" for finding in _findings_of_take(inputs, take)]
    return findings


def _findings_of_take(inputs: RoundInputs, take: HarvestedTake) -> list[str]:
    findings = []
    info = take.first.info
    if info.options.get("boxes_given") and take.boxes is None:
        findings.append("the harvest was made with boxes, the new one without: the person was searched for")
    made_by, details = info.detector.details, details_of(inputs.detector)
    if not all(made_by.get(key, value) == value for key, value in details.items() if key.endswith("sha256")):
        findings.append(f"the harvest was made by another {inputs.detector.name} than the one that was fine-tuned")
    return findings


def _named(take: HarvestedTake, inputs: RoundInputs) -> str:
    return f"{take.harvest.path}: " if len(inputs.takes) > 1 else ""


def _many(given: T | Sequence[T]) -> Sequence[T]:
    """Return what was given as a sequence: one thing is a sequence of one."""
    return given if isinstance(given, (list, tuple)) else [cast("T", given)]


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
