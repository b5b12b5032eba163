"""What OpenSim is asked and answers, and the process that it runs in."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from poseharvest.errors import ConfigError, FormatError
from poseharvest.progress import OnProgress, Progress
from poseharvest.reading.documents import load_json
from poseharvest.reading.foreign_records import checked

ANSWER_FILE: Final = "opensim_answer.json"
JOB_FILE: Final = "opensim_job.json"
LOG_FILE: Final = "opensim.log"
MOTION_FILE: Final = "coordinates.mot"
SCALED_MODEL_FILE: Final = "scaled.osim"
_SECONDS_PER_FRAME: Final = 5.0
_SECONDS_TO_START: Final = 120.0
_LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class OpensimJob:
    """One person's markers, and the model that they move.

    Attributes:
        trc: the TRC file, metres.
        folder: where the results go.
        model: the .osim file.
        marker_set: an XML file of markers; None takes the model's own.
        scaling: an XML file that says how to scale; None takes the model as it is.
        tasks: an XML file of inverse kinematics; None makes a task for every marker.
        weights: by marker, in place of those of the tasks.
        mass_kg: of the person; None keeps that of the scaling set-up.
    """

    trc: str
    folder: str
    model: str
    marker_set: str | None = None
    scaling: str | None = None
    tasks: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    mass_kg: float | None = None

    @classmethod
    def from_text(cls, text: str) -> OpensimJob:
        """Return the job of a file."""
        return cls(**json.loads(text))


class OpensimAnswer(BaseModel):
    """What came of a job.

    Attributes:
        error: what went wrong; None if nothing did.
        unknown: markers that the model does not have.
        scales: factor of every measurement of the scaling set-up.
        unscaled: measurements of which no pair of markers exists.
        mass_kg: of the scaled model; None if it was not scaled.
        tasks: weight of every marker.
        translations: coordinates that are lengths, not angles.
        idle: coordinates that no measured marker shows: they keep the model's values.
        marker_errors_mm: by marker, the root mean square over all frames of its distance from the model's marker.
    """

    model_config = ConfigDict(frozen=True)

    error: str | None = None
    unknown: tuple[str, ...] = ()
    scales: dict[str, FiniteFloat] = Field(default_factory=dict)
    unscaled: tuple[str, ...] = ()
    mass_kg: FiniteFloat | None = None
    tasks: dict[str, FiniteFloat] = Field(default_factory=dict)
    translations: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    marker_errors_mm: dict[str, FiniteFloat] = Field(default_factory=dict)


def check_opensim() -> None:
    """Raise ConfigError if the library is not installed."""
    if find_spec("opensim") is None:
        raise ConfigError(
            "OpenSim: scaling and inverse kinematics need its library: pip install 'poseharvest[opensim]'; "
            "without --model and --setups the angles between the joints are written alone"
        )


def run_opensim(job: OpensimJob, num_frames: int, on_progress: OnProgress | None = None) -> OpensimAnswer:
    """Run a job in a process of its own and return its answer.

    `scaled.osim`, `coordinates.mot` and `opensim.log` then lie in its folder.

    Args:
        job: what to do.
        num_frames: of the TRC file; says for how long the process may run.
        on_progress: is called now and then with the frames that are solved.

    Raises:
        ConfigError: OpenSim is not installed.
        FormatError: OpenSim does not take the files, ended its process, or ran for too long.
    """
    check_opensim()
    folder = Path(job.folder)
    path = folder / JOB_FILE
    path.write_text(json.dumps(dataclasses.asdict(job)), encoding="utf-8")
    code = _run_process(path, num_frames, on_progress)
    answer_path = folder / ANSWER_FILE
    if not answer_path.is_file():
        raise FormatError(f"{job.model}: OpenSim ended its process with code {code}: {_last_words(folder)}")
    answer = checked(OpensimAnswer, load_json(answer_path), str(answer_path))
    if answer.error is not None:
        raise FormatError(f"{job.model}: OpenSim: {answer.error}")
    for file in (path, answer_path):
        file.unlink()
    return answer


def _run_process(path: Path, num_frames: int, on_progress: OnProgress | None) -> int:
    """Run the job of a file and return the exit code of its process; it does not outlive this one's errors."""
    sources = str(Path(__file__).resolve().parents[2])  # found from the folder of the job as well
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (sources, os.environ.get("PYTHONPATH"))))}
    command = [sys.executable, "-m", "poseharvest.kinematics.opensim_process", str(path.resolve())]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=path.parent, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            _wait(process, path.parent, num_frames, on_progress)
        finally:
            process.kill()  # does nothing to one that ended
    return process.returncode


def _wait(process: subprocess.Popen[bytes], folder: Path, num_frames: int, on_progress: OnProgress | None) -> None:
    limit_s = _SECONDS_TO_START + _SECONDS_PER_FRAME * num_frames
    start_s = time.monotonic()
    while time.monotonic() - start_s < limit_s:
        try:
            process.wait(_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            if on_progress is not None:
                on_progress(Progress(_frames_solved(folder), num_frames, "inverse kinematics"))
        else:
            return
    raise FormatError(f"{folder}: OpenSim did not end within {limit_s:.0f} s")


def _log_lines(folder: Path) -> list[str]:
    log = folder / LOG_FILE
    return log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []


def _frames_solved(folder: Path) -> int:
    return sum("Frame " in line and "(t = " in line for line in _log_lines(folder))


def _last_words(folder: Path) -> str:
    lines = [line for line in _log_lines(folder) if line.strip() and ".vtp" not in line]
    return lines[-1].strip() if lines else "without a word"
