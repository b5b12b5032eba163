"""OpenSim in a process of its own: `python -m poseharvest.kinematics.opensim_process JOB.json`.

OpenSim ends its process on some inputs, writes to the terminal and into the current folder. So it gets a process and a
folder of its own, a job as a file, and answers with a file. This module holds all that touches OpenSim's interface.

The model's segments are scaled by the ratio of measured to model lengths between the pairs of markers that the scaling
set-up names. A measured length is the median over the calm half of the frames: that half in which the markers move
least. OpenSim's own average would take the fast and the wrong frames in.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import FormatError
from poseharvest.kinematics.opensim_job import ANSWER_FILE, LOG_FILE, MOTION_FILE, SCALED_MODEL_FILE, OpensimJob

_Lengths = Mapping[tuple[str, str], float]
_SMALL_STEP = 0.01  # radians or metres
_LOCATIONS_FILE = "_ik_model_marker_locations.sto"


def main(arguments: Sequence[str]) -> int:
    """Run the job of the file that is named, and write its answer beside it."""
    import opensim

    job = OpensimJob.from_text(Path(arguments[0]).read_text(encoding="utf-8"))
    opensim.Logger.setLevelString("Info")
    opensim.Logger.removeFileSink()
    opensim.Logger.addFileSink(str(Path(job.folder) / LOG_FILE))
    answer = Path(job.folder) / ANSWER_FILE
    try:
        answer.write_text(json.dumps(_run(opensim, job)), encoding="utf-8")
    except (RuntimeError, FormatError) as error:  # RuntimeError: all that OpenSim throws
        answer.write_text(json.dumps({"error": " ".join(str(error).split())}), encoding="utf-8")
    return 0


def _run(opensim: Any, job: OpensimJob) -> dict[str, Any]:
    names, times, measured = _read_markers(opensim, job.trc)
    model = _marked_model(opensim, job)
    known = [name for name in names if name in _marker_names(model)]
    if not known:
        raise FormatError(
            f"the model has none of the markers {', '.join(names)}: it has {', '.join(_marker_names(model)) or 'none'}"
        )
    answer: dict[str, Any] = {"unknown": [name for name in names if name not in known], "scales": {}, "unscaled": []}
    if job.scaling is not None:
        lengths = _calm_lengths(names, times, measured)
        model, answer["scales"], answer["unscaled"], answer["mass_kg"] = _scaled(opensim, job, model, lengths)
    answer["tasks"] = _solve(opensim, job, model, known, (float(times[0]), float(times[-1])))
    answer["translations"] = _translations(model)
    answer["idle"] = _idle(model, [name for name in answer["tasks"] if _is_measured(name, names, measured)])
    answer["marker_errors_mm"] = _errors_mm(opensim, Path(job.folder), names, measured)
    return answer


def _read_markers(opensim: Any, path: str) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Return the names (M), times (F,) and positions (F, M, 3), metres, of a TRC file."""
    table = opensim.TimeSeriesTableVec3(path)
    names = list(table.getColumnLabels())
    flat_table = table.flatten()  # a name of its own: its matrix is gone with it
    flat = flat_table.getMatrix().to_numpy()
    positions = np.array(flat, dtype=float).reshape(len(flat), len(names), 3)
    return names, np.array(table.getIndependentColumn(), dtype=float), positions


def _marked_model(opensim: Any, job: OpensimJob) -> Any:
    """Return the model with the markers of the marker set, or with its own."""
    model = opensim.Model(job.model)
    if job.marker_set is not None:
        model.set_MarkerSet(opensim.MarkerSet(job.marker_set))
    model.finalizeConnections()
    model.initSystem()
    return model


def _marker_names(model: Any) -> list[str]:
    markers = model.getMarkerSet()
    return [markers.get(i).getName() for i in range(markers.getSize())]


def _calm_lengths(names: Sequence[str], times: NDArray[np.float64], measured: NDArray[np.float64]) -> _Lengths:
    """Return the length between all pairs of markers, metres: the median over the calm half of the frames."""
    calm = measured
    if len(times) > 3:
        speed = np.linalg.norm(np.gradient(measured, times, axis=0), axis=-1)
        mean = np.array([np.nan if np.isnan(row).all() else np.nanmedian(row) for row in speed])
        calm = measured[~(mean > np.nanmedian(mean))]
    lengths = {}
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            distances = np.linalg.norm(calm[:, i] - calm[:, j], axis=-1)
            if i != j and np.isfinite(distances).any():
                lengths[one, other] = float(np.nanmedian(distances))
    return lengths


def _items(collection: Any) -> Iterator[Any]:
    return (collection.get(i) for i in range(collection.getSize()))


def _scaled(
    opensim: Any, job: OpensimJob, model: Any, lengths: _Lengths
) -> tuple[Any, dict[str, float], list[str], float]:
    """Return the scaled model, the factor of each measurement, those without one, and the mass in kg."""
    generic = str(Path(job.folder) / "generic.osim")
    model.printToXML(generic)
    tool = opensim.ScaleTool(job.scaling)
    tool.setPathToSubject("")
    tool.getGenericModelMaker().setModelFileName(generic)
    tool.getGenericModelMaker().setMarkerSetFileName("Unassigned")
    if job.mass_kg is not None:
        tool.setSubjectMass(job.mass_kg)
    scaler = tool.getModelScaler()
    factors, missing, segments = _factors(opensim, scaler, model, lengths)
    _use_factors(opensim, scaler, segments)
    path = str(Path(job.folder) / SCALED_MODEL_FILE)
    scaler.setOutputModelFileName(path)
    scaler.setOutputScaleFileName("Unassigned")
    tool.getMarkerPlacer().setApply(False)  # as in Pose2Sim's set-ups: no marker is moved to fit the person
    tool.run()  # returns false without marker placer
    Path(generic).unlink()
    if not Path(path).is_file():
        raise FormatError(f"{job.scaling}: OpenSim wrote no scaled model")
    return opensim.Model(path), factors, missing, float(tool.getSubjectMass())


def _factors(
    opensim: Any, scaler: Any, model: Any, lengths: _Lengths
) -> tuple[dict[str, float], list[str], dict[str, NDArray[np.float64]]]:
    """Return the factor of each measurement, those that cannot be measured, and (3,) factors of each segment."""
    known = _marker_names(model)
    places = dict(zip(known, _places(model, model.initSystem(), known), strict=True))
    factors: dict[str, float] = {}
    missing: list[str] = []
    segments: dict[str, NDArray[np.float64]] = {}
    for measurement in _items(scaler.getMeasurementSet()):
        if not measurement.getApply():
            continue
        pairs = [
            tuple(pair.getMarkerName(i) for i in range(2))
            for pair in (measurement.getMarkerPair(i) for i in range(measurement.getNumMarkerPairs()))
        ]
        ratios = [
            lengths[one, other] / float(np.linalg.norm(places[one] - places[other]))
            for one, other in pairs
            if (one, other) in lengths and one in known and other in known
        ]
        if not ratios:
            missing.append(measurement.getName())
            continue
        factors[measurement.getName()] = float(np.mean(ratios))
        for body in _items(measurement.getBodyScaleSet()):
            axes = body.getAxisNames()
            scales = segments.setdefault(body.getName(), np.ones(3))
            for axis in (axes.get(i) for i in range(axes.getSize())):
                scales["XYZ".index(axis.upper())] = factors[measurement.getName()]
    return factors, missing, segments


def _use_factors(opensim: Any, scaler: Any, segments: Mapping[str, NDArray[np.float64]]) -> None:
    order = opensim.ArrayStr()
    order.append("manualScale")
    scaler.setScalingOrder(order)
    scales = scaler.getScaleSet()
    scales.clearAndDestroy()
    for segment, factors in segments.items():
        scale = opensim.Scale()
        scale.setSegmentName(segment)
        scale.setScaleFactors(opensim.Vec3(*map(float, factors)))
        scale.setApply(True)
        scales.cloneAndAppend(scale)


def _solve(
    opensim: Any, job: OpensimJob, model: Any, known: Sequence[str], time_range: tuple[float, float]
) -> dict[str, float]:
    """Run the inverse kinematics and return the weights of the markers."""
    model.initSystem()
    tool = opensim.InverseKinematicsTool() if job.tasks is None else opensim.InverseKinematicsTool(job.tasks)
    weights = _weigh(opensim, tool.getIKTaskSet(), job, known)
    tool.setModel(model)
    tool.setMarkerDataFileName(job.trc)
    tool.setStartTime(time_range[0])
    tool.setEndTime(time_range[1])
    tool.setOutputMotionFileName(str(Path(job.folder) / MOTION_FILE))
    tool.setResultsDir(job.folder)
    tool.set_report_marker_locations(True)
    tool.set_report_errors(False)
    if not tool.run():
        raise FormatError("OpenSim's inverse kinematics failed without a reason")
    return weights


def _weigh(opensim: Any, tasks: Any, job: OpensimJob, known: Sequence[str]) -> dict[str, float]:
    """Set the weights of the marker tasks and return them; a marker without a task gets one if there is no set-up."""
    weights: dict[str, float] = {}
    if job.tasks is None:
        for name in known:
            task = opensim.IKMarkerTask()
            task.setName(name)
            tasks.cloneAndAppend(task)
    for task in _items(tasks):
        if task.getConcreteClassName() != "IKMarkerTask":
            continue
        task.setApply(bool(task.getApply() or job.tasks is None) and task.getName() in known)
        if task.getName() in job.weights:
            task.setWeight(job.weights[task.getName()])
        if task.getApply():
            weights[task.getName()] = float(task.getWeight())
    if not weights:
        raise FormatError(f"{job.tasks}: has no task for any of the markers {', '.join(known)}")
    return weights


def _is_measured(name: str, names: Sequence[str], measured: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(measured[:, names.index(name)]).all(-1).any())


def _idle(model: Any, tracked: Sequence[str]) -> list[str]:
    """Return the coordinates that move none of the tracked markers: they keep the model's values."""
    state = model.initSystem()
    coordinates = model.getCoordinateSet()
    start = _places(model, state, tracked)
    idle = []
    for coordinate in _items(coordinates):
        value = coordinate.getValue(state)
        coordinate.setValue(state, value + _SMALL_STEP, False)
        model.realizePosition(state)
        if np.abs(_places(model, state, tracked) - start).max(initial=0) < _SMALL_STEP * _SMALL_STEP:
            idle.append(coordinate.getName())
        coordinate.setValue(state, value, False)
    return idle


def _places(model: Any, state: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """Return (M, 3) places of some markers of the model, metres."""
    markers = model.getMarkerSet()
    model.realizePosition(state)
    locations = [markers.get(name).getLocationInGround(state) for name in names]
    return np.array([[location.get(axis) for axis in range(3)] for location in locations]).reshape(-1, 3)


def _translations(model: Any) -> list[str]:
    """Return the coordinates that are lengths, not angles."""
    translational = 2  # of OpenSim's kinds of motion: 1 turns, 2 shifts, 3 couples both
    return [one.getName() for one in _items(model.getCoordinateSet()) if one.getMotionType() == translational]


def _errors_mm(opensim: Any, folder: Path, names: Sequence[str], measured: NDArray[np.float64]) -> dict[str, float]:
    """Return the root mean square over all frames of the distance between each marker and the model's, mm."""
    path = folder / _LOCATIONS_FILE
    table = opensim.TimeSeriesTable(str(path))
    found = np.array(table.getMatrix().to_numpy(), dtype=float)
    if len(found) != len(measured):
        raise FormatError(f"inverse kinematics ended after {len(found)} of {len(measured)} frames")
    labels = [label[: -len("_tx")] for label in table.getColumnLabels()][::3]
    errors = {}
    for column, name in enumerate(labels):
        distance = np.linalg.norm(found[:, 3 * column : 3 * column + 3] - measured[:, names.index(name)], axis=-1)
        if np.isfinite(distance).any():
            errors[name] = float(1000 * np.sqrt(np.nanmean(distance**2)))
    path.unlink()
    return errors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
