"""Joint angles on the disk: each person's tables, drawings and OpenSim's files in one folder that appears complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError, FormatError
from poseharvest.findings import Finding, worst_first
from poseharvest.kinematics.angle_tables import angle_table, coordinate_table, marker_table, write_tables
from poseharvest.kinematics.joint_angles import Floats
from poseharvest.kinematics.kinematics_options import KinematicsOptions
from poseharvest.kinematics.kinematics_record import RECORD_FILE, is_kinematics_folder, record_text
from poseharvest.kinematics.opensim_job import check_opensim
from poseharvest.kinematics.person_kinematics import PersonKinematics, solve_person
from poseharvest.progress import OnProgress, with_prefix
from poseharvest.report.angle_figures import Panel, alone, angle_panels, coordinate_panels, panels_svg
from poseharvest.report.kinematics_page import person_folder, render_kinematics
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.staging import StagedFolder

PAGE_FILE: Final = "index.html"


@dataclass(frozen=True, eq=False)
class WrittenKinematics:
    """The folder, each person's angles, and what a person should know, the worst first."""

    path: Path
    people: tuple[PersonKinematics, ...]
    findings: tuple[Finding, ...]


def write_kinematics(
    harvest: Harvest | Path | str,
    out: Path | str,
    options: KinematicsOptions | None = None,
    *,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> WrittenKinematics:
    """Write the joint angles of everyone in a harvest, or of one person, as a folder.

    Args:
        harvest: the harvest or its folder.
        out: the folder to make.
        options: how.
        overwrite: replace an earlier output of this name.
        on_progress: is called now and then with the frames that OpenSim has solved.

    Raises:
        ConfigError: there is nobody of whom to take angles, or OpenSim or its files are missing.
        FormatError: OpenSim does not take its files, or the markers of a person who is alone.
        StoreError: the harvest is damaged, the folder exists, or it cannot be written.
    """
    chosen = KinematicsOptions() if options is None else options
    if chosen.uses_opensim:
        check_opensim()
    opened = harvest if isinstance(harvest, Harvest) else Harvest.open(harvest).with_reviews()
    numbers = _people(opened, chosen)
    staged = StagedFolder(Path(out), replaceable=is_kinematics_folder if overwrite else None)
    try:
        with os_errors_as_store_errors(staged.target):
            people, findings = _solve_all(
                opened, staged.path, [replace(chosen, person=n) for n in numbers], on_progress
            )
            findings = worst_first([*findings, *opened.review_findings()])
            text = record_text(opened, chosen, people, findings)
            (staged.path / RECORD_FILE).write_text(text, encoding="utf-8")
            page = render_kinematics(opened.info.capture.name, people, findings)
            (staged.path / PAGE_FILE).write_text(page, encoding="utf-8")
        staged.commit()
    finally:
        staged.discard()  # does nothing after the commit
    return WrittenKinematics(staged.target, people, findings)


def _people(harvest: Harvest, options: KinematicsOptions) -> Sequence[int]:
    """Return whom to take: everyone, or the one who is asked for, who need not exist."""
    if options.person is not None:
        return (options.person,)
    numbers: set[int] = set()
    for table in harvest.frame_columns(["frame", "person"]):
        rows = zip(table.column("frame").to_pylist(), table.column("person").to_pylist(), strict=True)
        stop = float("inf") if options.stop is None else options.stop
        numbers |= {person for frame, person in rows if options.start <= frame < stop}
    if not numbers:
        raise ConfigError("kinematics: expected a person in the harvest and in its frames, got nobody")
    return sorted(numbers)


def _solve_all(
    harvest: Harvest, folder: Path, options: Sequence[KinematicsOptions], on_progress: OnProgress | None
) -> tuple[tuple[PersonKinematics, ...], tuple[Finding, ...]]:
    """Return everyone's angles, written into a folder each; with several people, one who fails is a finding.

    Args:
        harvest: with all of them.
        folder: of the output.
        options: of each person.
        on_progress: hears of everyone's frames.
    """
    people, findings = [], []
    for one in options:
        number = one.person or 0
        own = folder / person_folder(number)
        own.mkdir()
        try:
            heard = None if on_progress is None else with_prefix(on_progress, f"person {number}")
            person = solve_person(harvest, own, one, heard)
        except (ConfigError, FormatError) as error:
            if len(options) == 1:
                raise
            findings.append(Finding("error", f"person {number}", f"person {number} has no angles: {error}"))
            continue
        _write_person(own, person, harvest.info.capture.frame_rate)
        people.append(person)
        start = f"person {number}: " if len(options) > 1 else ""
        findings += [replace(finding, message=start + finding.message) for finding in person.findings]
    if not people:
        raise ConfigError(f"kinematics: nobody of {len(options)} people has angles: {findings[0].message}")
    return tuple(people), worst_first(findings)


def _write_person(folder: Path, person: PersonKinematics, frame_rate: float) -> None:
    write_tables(angle_table(person.angles), folder, "angles")
    _draw(folder / "angles.svg", angle_panels(person.angles), person.angles.times_s)
    if person.model is not None:
        motion, answer = person.model.motion, person.model.answer
        write_tables(coordinate_table(motion, answer.translations, frame_rate), folder, "coordinates")
        write_tables(marker_table(answer), folder, "marker_errors")
        _draw(folder / "coordinates.svg", coordinate_panels(motion, answer.translations), motion.times_s)


def _draw(path: Path, panels: Sequence[Panel], times_s: Floats) -> None:
    path.write_text(alone(panels_svg(panels, times_s, f"{path.stem} over time")), encoding="utf-8")
