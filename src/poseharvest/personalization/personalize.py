"""`personalize`: from a harvest to a detector adapted to it, and a better harvest (Sec. 3.4, 4.4)."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from poseharvest.annotations.info import current_versions
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.staging import os_errors_as_store_errors, staged_file
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.errors import StoreError, TrainingError
from poseharvest.harvesting.harvest import OnProgress
from poseharvest.localization.boxes import Boxes
from poseharvest.personalization.finetune import trainable
from poseharvest.personalization.footage import check_footage, harvested_frames, open_footage_of
from poseharvest.personalization.options import PersonalizationOptions
from poseharvest.personalization.rounds import WEIGHTS, Round, RoundInputs, detector_of, run_round
from poseharvest.skeleton.skeleton import require_joints
from poseharvest.training.weights import write_onnx, write_weights

FORMAT: Final = "poseharvest personalization"
RESULT, ONNX = "personalization.json", "model.onnx"


@dataclass(frozen=True, eq=False)
class Personalization:
    """What `personalize` gives.

    Attributes:
        folder: with `weights.safetensors`, `model.onnx`, `personalization.json` and a folder a round.
        rounds: those that were run.
        best: index of the round whose weights were kept.
        findings: what somebody should know, in sentences.
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

    Args:
        harvest: the annotations.
        detector: the network that made them, or another one with the same joints.
        out: the folder to make.
        options: the defaults if None.
        capture: the footage, or its folder, if it is not where the harvest says.
        boxes: windows around the person, if the harvest was made with some.
        overwrite: replace an earlier personalisation at `out`.
        resume: go on with an interrupted one at `out`.
        on_progress: hears how far it is.

    Raises:
        TrainingError: the detector has no network, there are too few annotations, the loss is not finite, or the run
            was interrupted: `resume` then goes on from the last checkpoint.
        SkeletonError: the harvest has other joints than the detector.
        CaptureError: the footage is missing or is not the harvest's.
        StoreError: `out` exists, or cannot be written.
    """
    opened = harvest if isinstance(harvest, Harvest) else Harvest.open(harvest)
    options = options or PersonalizationOptions()
    generic = trainable(detector)
    _check_skeleton(opened, generic)
    footage = open_footage_of(opened, capture) if capture is None or isinstance(capture, Path) else capture
    check_footage(opened, footage)
    learned, judged = split_frames(harvested_frames(opened), options.held_out)
    folder = Path(out)
    _begin(folder, opened, options, overwrite=overwrite, resume=resume)
    inputs = RoundInputs(generic, opened, footage, boxes, learned, judged, options, on_progress or (lambda _: None))
    rounds = _run_rounds(inputs, folder, resume=resume)
    best = min(range(len(rounds)), key=lambda index: rounds[index].disagreement)
    findings = _findings(inputs, rounds[best], opened)
    findings += _write_network(inputs, rounds[best], folder)
    result = Personalization(folder, tuple(rounds), best, tuple(findings))
    _write_result(result, opened, options, judged)
    return result


def split_frames(frames: range, held_out: float) -> tuple[range, range]:
    """Return the frames to learn from and those to judge by: the last share, or all frames twice if it is 0."""
    num_held_out = round(held_out * len(frames))
    if num_held_out == 0:
        return frames, frames
    return frames[:-num_held_out], frames[-num_held_out:]


def _run_rounds(inputs: RoundInputs, folder: Path, *, resume: bool) -> list[Round]:
    rounds: list[Round] = []
    source, best = inputs.first, float("inf")
    for number in range(1, inputs.options.rounds + 1):
        done = run_round(inputs, source, folder / f"round-{number}", resume=resume)
        rounds.append(done)
        lowest = min(best, float(done.comparison["before"]["disagreement"]))
        if not done.disagreement < (1 - inputs.options.min_gain) * lowest:
            break
        best, source = done.disagreement, done.harvest
    return rounds


def _check_skeleton(harvest: Harvest, detector: HeatmapDetector) -> None:
    ours, theirs = harvest.skeleton, detector.skeleton
    require_joints(ours.joints, theirs.joints, wanted_by=f"harvest {harvest.path}", offered_by=detector.name)
    if ours.joints != theirs.joints:
        raise TrainingError(f"{harvest.path}: has the joints of {detector.name} in another order: harvest it again")


def _begin(folder: Path, harvest: Harvest, options: PersonalizationOptions, *, overwrite: bool, resume: bool) -> None:
    """Make the folder with the record of what was asked for; check that an old one may be used or replaced."""
    said = {"harvest": str(harvest.path.resolve()), "options": options.as_dict()}
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        earlier = _read_result(folder)
        if earlier is None:
            raise StoreError(f"{folder}: already exists and is no personalisation: choose another output")
        if resume:
            _check_same(earlier, said, folder)
            return
        if not overwrite:
            raise StoreError(f"{folder}: already exists: choose another output, resume it, or ask to overwrite it")
        with os_errors_as_store_errors(folder):
            shutil.rmtree(folder)
    with os_errors_as_store_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / RESULT, {"format": FORMAT, "version": 1, "finished": False, **said})


def _check_same(earlier: dict[str, Any], said: dict[str, Any], folder: Path) -> None:
    plain = json.loads(json.dumps(said))
    if earlier.get("harvest") != plain["harvest"]:
        raise TrainingError(f"{folder}: is of the harvest {earlier.get('harvest')}, asked for is {plain['harvest']}")
    before = earlier.get("options", {})
    other = [n for n, v in plain["options"].items() if n not in {"rounds", "min_gain"} and before.get(n) != v]
    if other:
        raise TrainingError(
            f"{folder}: was begun with {other[0]} {before.get(other[0])}, asked for is {plain['options'][other[0]]}: "
            "resume with the same options, or ask to overwrite it"
        )


def _findings(inputs: RoundInputs, kept: Round, harvest: Harvest) -> list[str]:
    found = []
    if not kept.disagreement < float(kept.comparison["before"]["disagreement"]):
        found.append(
            "it did not help: on the judged frames the cameras disagree no less than before; keep the old network"
        )
    if inputs.judged == inputs.learned:
        found.append("no frames were held out: before and after are compared on frames that were learned from")
    if harvest.info.options.get("boxes_given") and inputs.boxes is None:
        found.append("the harvest was made with boxes, the new one without: the person was searched for")
    return found


def _write_network(inputs: RoundInputs, kept: Round, folder: Path) -> list[str]:
    """Write the kept weights as safetensors and ONNX; return why there is no ONNX, if so."""
    detector = detector_of(kept, inputs.detector)
    write_weights(detector, folder / WEIGHTS)
    try:
        write_onnx(detector, folder / ONNX)
    except TrainingError as error:
        return [str(error)]
    return []


def _write_result(result: Personalization, harvest: Harvest, options: PersonalizationOptions, judged: range) -> None:
    _write_json(
        result.folder / RESULT,
        {
            "format": FORMAT,
            "version": 1,
            "finished": True,
            "harvest": str(harvest.path.resolve()),
            "options": options.as_dict(),
            "judged_frames": [judged.start, judged.stop],
            "best_round": result.best + 1,
            "rounds": [done.as_dict() for done in result.rounds],
            "findings": list(result.findings),
            "versions": current_versions(),
        },
    )


def _read_result(folder: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("format") == FORMAT else None


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with staged_file(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
