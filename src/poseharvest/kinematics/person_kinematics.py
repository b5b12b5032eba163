"""The angles of one person: between the joints, and of OpenSim's model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.even_frames import find_track
from poseharvest.export.markers import Marker, markers_of
from poseharvest.export.survey import runs, survey
from poseharvest.export.trajectories import smooth_findings
from poseharvest.export.trc import TrcOptions, write_trc
from poseharvest.export.upright import AXES, find_up
from poseharvest.findings import Finding
from poseharvest.kinematics.angle_track import AngleTrack, angles_over_time
from poseharvest.kinematics.kinematics_options import KinematicsOptions
from poseharvest.kinematics.motion_file import Motion, read_motion
from poseharvest.kinematics.opensim_job import MOTION_FILE, OpensimAnswer, OpensimJob, run_opensim
from poseharvest.kinematics.person_track import PersonTrack, person_track
from poseharvest.kinematics.setups import find_setups
from poseharvest.progress import OnProgress

MARKERS_FILE: Final = "markers.trc"
MODEL_ERROR_MM: Final = 20.0
"""How far a model's marker may lie from the person's; a joint whose sigma is far below gets no more weight for that."""

_LARGE_RMS_MM = 40.0
_UNSURE_DEG = 20.0


@dataclass(frozen=True, eq=False)
class ModelMotion:
    """What OpenSim made of one person's markers.

    Attributes:
        motion: the coordinates that markers show; the file holds all.
        answer: how it was made, and how well it fits.
    """

    motion: Motion
    answer: OpensimAnswer

    @property
    def marker_rms_mm(self) -> float:
        """Root mean square of the distances of all markers in all frames, mm."""
        errors = np.array(list(self.answer.marker_errors_mm.values()))
        return float(np.sqrt((errors**2).mean()))


@dataclass(frozen=True, eq=False)
class PersonKinematics:
    """One person's angles.

    Attributes:
        person: number of the person.
        up: the axis of the world that is taken as up.
        angles: between the joints.
        model: OpenSim's coordinates; None if it was not asked.
        findings: what a person should know.
    """

    person: int
    up: str
    angles: AngleTrack
    model: ModelMotion | None
    findings: tuple[Finding, ...]


def solve_person(
    harvest: Harvest, folder: Path, options: KinematicsOptions, on_progress: OnProgress | None = None
) -> PersonKinematics:
    """Return the angles of the person that the options name. OpenSim's files go into `folder`.

    Args:
        harvest: with the person in it.
        folder: exists.
        options: how; they name the person unless there is one alone.
        on_progress: is called now and then with the frames that OpenSim has solved.

    Raises:
        ConfigError: the person is not in the harvest, or OpenSim or its files are missing.
        FormatError: OpenSim does not take its files or the markers.
    """
    track = find_track(harvest, options, "a person's folder")
    tracks = survey(harvest, track, options, markers_of(harvest.skeleton.joints, "joints"))
    upright = find_up(harvest, tracks.upwards, options.up)
    positions = person_track(harvest, track, options)
    angles = angles_over_time(positions, np.array(AXES[upright.axis]))
    findings = (
        *upright.findings,
        *_angle_findings(angles, harvest.skeleton.joints),
        *smooth_findings(harvest, options),
    )
    if not options.uses_opensim:
        return PersonKinematics(track.person, upright.axis, angles, None, findings)
    chosen = replace(options, person=track.person, up=upright.axis)  # type: ignore[arg-type]  # one of the six axes
    trc_findings = _write_markers(harvest, folder / MARKERS_FILE, chosen)
    job = _job(harvest, folder, chosen, positions)
    answer = run_opensim(job, len(positions.frames), on_progress)
    model = ModelMotion(read_motion(folder / MOTION_FILE).without(answer.idle), answer)
    trc_findings = tuple(finding for finding in trc_findings if finding.topic != "axes")  # said of all angles
    findings = (*findings, *trc_findings, *_model_findings(model, options), *_marker_gaps(positions))
    return PersonKinematics(track.person, upright.axis, angles, model, findings)


def _write_markers(harvest: Harvest, path: Path, options: KinematicsOptions) -> tuple[Finding, ...]:
    written = TrcOptions(
        up=options.up,
        person=options.person,
        start=options.start,
        stop=options.stop,
        smooth=options.smooth,
        markers="pose2sim",
    )
    return write_trc(harvest, path, written)


def _job(harvest: Harvest, folder: Path, options: KinematicsOptions, positions: PersonTrack) -> OpensimJob:
    markers = markers_of(harvest.skeleton.joints, "pose2sim")
    setups = find_setups(options.model, options.setups, harvest.skeleton.name, [marker.name for marker in markers])
    weights = (
        marker_weights(positions, markers) if options.marker_weights == "uncertainty" or setups.tasks is None else {}
    )
    paths = {
        name: None if path is None else str(path.resolve())
        for name, path in (("marker_set", setups.marker_set), ("scaling", setups.scaling), ("tasks", setups.tasks))
    }
    return OpensimJob(
        trc=str((folder / MARKERS_FILE).resolve()),
        folder=str(folder.resolve()),
        model=str(setups.model.resolve()),
        weights=weights,
        mass_kg=options.mass_kg,
        **paths,
    )


def marker_weights(positions: PersonTrack, markers: Sequence[Marker]) -> dict[str, float]:
    """Return the weight of every marker: the inverse variance of the joint and the model together, 1 on average.

    The joint's variance is the square of the median of its sigma over all frames. A marker without any has no weight.
    """
    with np.errstate(invalid="ignore"):
        sigma = positions.sigma_mm
    variances = {}
    for marker in markers:
        columns = sigma[:, [positions.joints.index(joint) for joint in marker.joints]]
        of_marker = np.sqrt((columns**2).sum(1)) / len(marker.joints)
        if np.isfinite(of_marker).any():
            variances[marker.name] = float(np.nanmedian(of_marker)) ** 2
    raw = {name: 1 / (variance + MODEL_ERROR_MM**2) for name, variance in variances.items()}
    mean = sum(raw.values()) / max(len(raw), 1)
    return {name: weight / mean for name, weight in raw.items()}


def _angle_findings(angles: AngleTrack, joints: Sequence[str]) -> tuple[Finding, ...]:
    if not angles.names:
        raise ConfigError(
            "kinematics: expected joints that make an angle, such as a hip, a knee and an ankle, "
            f"got {', '.join(joints)}"
        )
    unsure = {
        name: float(np.nanmedian(column))
        for name, column in zip(angles.names, angles.sigma_deg.T, strict=True)
        if np.isfinite(column).any() and np.nanmedian(column) > _UNSURE_DEG
    }
    found = []
    if unsure:
        listed = ", ".join(f"{name} {sigma:.0f}" for name, sigma in unsure.items())
        message = f"angles that are hardly known, with the median of their sigma in degrees: {listed}"
        found.append(Finding("warning", "angles", message))
    empty = [name for name, column in zip(angles.names, angles.degrees.T, strict=True) if np.isnan(column).all()]
    if empty:
        message = f"angles without a value in any frame, as a joint has no position: {', '.join(empty)}"
        found.append(Finding("warning", "angles", message))
    return tuple(found)


def _model_findings(model: ModelMotion, options: KinematicsOptions) -> tuple[Finding, ...]:
    answer, found = model.answer, []
    worst = max(answer.marker_errors_mm, key=lambda name: answer.marker_errors_mm[name])
    rms = model.marker_rms_mm
    message = (
        f"the markers lie {rms:.1f} mm (root mean square) from those of OpenSim's model, "
        f"{worst} {answer.marker_errors_mm[worst]:.0f} mm"
    )
    if rms > _LARGE_RMS_MM:
        message += ": more than a model that fits; look at the scale factors, and whether --up and the model are right"
    found.append(Finding("warning" if rms > _LARGE_RMS_MM else "note", "OpenSim", message))
    if answer.unscaled:
        listed = ", ".join(answer.unscaled)
        message = f"not scaled, as no pair of their markers is written: {listed}; these segments keep the model's size"
        found.append(Finding("warning", "OpenSim", message))
    if answer.idle:
        listed = ", ".join(answer.idle)
        message = f"coordinates that no marker shows keep the model's values; the tables leave them out: {listed}"
        found.append(Finding("note", "OpenSim", message))
    odd = {name: factor for name, factor in answer.scales.items() if not 0.7 < factor < 1.4}
    if odd:
        listed = ", ".join(f"{name} {factor:.2f}" for name, factor in odd.items())
        message = f"scale factors far from 1: {listed}; a child, another model, or a wrong unit of the calibration"
        found.append(Finding("warning", "OpenSim", message))
    if answer.mass_kg is not None and options.mass_kg is None:
        message = (
            f"the scaled model has the set-up's mass of {answer.mass_kg:g} kg: angles do not depend on it, forces do"
        )
        found.append(Finding("note", "OpenSim", f"{message}; --mass-kg gives the person's"))
    return tuple(found)


def _marker_gaps(positions: PersonTrack) -> tuple[Finding, ...]:
    """Return a warning if joints with a marker are missing in frames in which others are not."""
    joints = {joint for marker in markers_of(positions.joints, "pose2sim") for joint in marker.joints}
    places = [number for number, joint in enumerate(positions.joints) if joint in joints]
    unknown: NDArray[np.bool_] = np.isnan(positions.points[:, places, 0])
    is_missing = unknown & ~unknown.all(1, keepdims=True) & ~unknown.all(0)
    if not is_missing.any():
        return ()
    frames = positions.frames[is_missing.any(1)].tolist()
    step = int(positions.frames[1] - positions.frames[0])
    names = ", ".join(positions.joints[places[column]] for column in np.flatnonzero(is_missing.any(0)))
    message = (
        f"in {len(frames)} of {len(positions.frames)} frames (from 0: {runs(frames, step)}) a joint has no position "
        f"({names}): there OpenSim's coordinates rest on the other markers"
    )
    return (Finding("warning", "markers", message),)
