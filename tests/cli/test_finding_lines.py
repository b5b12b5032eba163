"""Findings in the terminal: worst first, a line each, one kind together, bounded; and a whole command's last lines."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from poseharvest.annotations.info import PersonInfo
from poseharvest.cli.finding_lines import MAX_LINES, finding_lines
from poseharvest.cli.summary import limb_table
from poseharvest.findings import Finding
from walker_kit import Recipe, write_walk

SEVERITIES = st.sampled_from(["note", "warning", "error"])
FINDINGS = st.builds(Finding, SEVERITIES, st.just("topic"), st.text(max_size=8))


def guess(limb: str, mm: int) -> Finding:
    message = f'limb "{limb}" is never seen whole: its length is a guess, {mm} mm; give the limb lengths'
    return Finding("warning", "limb lengths", message)


def test_findings_of_one_kind_are_one_line() -> None:
    lines = finding_lines([guess(f"a-{number}", 300 + number) for number in range(162)], "harvest.json")
    assert lines == [
        'warning: limb "a-0" is never seen whole: its length is a guess, 300 mm; give the limb lengths '
        "(and 161 more like this)"
    ]


def test_what_does_not_fit_is_counted_and_errors_stay() -> None:
    many = [Finding("note", "t", f"{'n' * number}: do nothing") for number in range(1, 30)]
    lines = finding_lines([*many, Finding("error", "t", "all is wrong:\n calibrate")], "out/harvest.json")
    assert lines[0] == "error: all is wrong: calibrate"
    assert lines[-1] == f"and {29 - (MAX_LINES - 2)} notes more: read all of them in out/harvest.json"
    assert len(lines) == MAX_LINES


@settings(deadline=None, max_examples=30)
@given(st.lists(FINDINGS, max_size=30))
def test_there_are_never_too_many_lines_and_the_worst_come_first(findings: list[Finding]) -> None:
    lines = finding_lines(findings, "here")
    assert len(lines) <= MAX_LINES
    assert bool(lines) == bool(findings)
    assert all("\n" not in line for line in lines)
    severities = [line.split(":")[0] for line in lines if not line.startswith("and ")]
    order = ["error", "warning", "note"]
    assert severities == sorted(severities, key=order.index)
    assert any(f.severity == "error" for f in findings) == ("error" in severities)


@pytest.mark.parametrize("num_people", [2, 5, 22])
def test_the_limb_table_of_several_people_is_never_cut(content_of_many, num_people: int) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(limb_table(content_of_many(num_people), 80), crop=False)
    text = console.export_text()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "right_shoulder-right_elbow" in text
    assert ("seen in most frames" in text.replace("\n", " ")) == (num_people == 22)
    assert text.count("1234") == min(num_people, 7) * len(content_of_many(2).limb_lengths_mm)


@pytest.fixture(scope="module")
def content_of_many(tmp_path_factory: pytest.TempPathFactory):
    """What `harvest.json` says of many people."""
    info = write_walk(tmp_path_factory.mktemp("many") / "h", Recipe(num_frames=2, pictured=())).info
    lengths = dict.fromkeys(info.limb_lengths_mm, 1234.0)

    def make(number: int):
        people = tuple(
            PersonInfo(person=i, frames=i + 1, first_frame=0, last_frame=1, limb_lengths_mm=lengths, shells_mm=lengths)
            for i in range(number)
        )
        return info.model_copy(update={"people": people})

    return make


def test_two_cameras_too_close_together_are_named(run, close_pair) -> None:
    for baseline_mm in (150, 1000):
        footage = close_pair(baseline_mm)
        audit = run("audit", footage.capture)
        assert audit.code == 0, audit.err
        assert "warning: where the cameras look, one pixel of error in every view means" in audit.out
        out = footage.folder / "out"
        done = run("harvest", footage.capture, "--detector", footage.keypoints, "--out", out, "--resolution", 16)
        assert done.code == 0, done.err
        below = done.out.split("report:  ")[1].splitlines()[1:]
        (line,) = [line for line in below if line.startswith("warning: where the person is, one pixel of error")]
        assert "the cameras stand too close together" in line
        stored = json.loads((out / "harvest.json").read_text())["findings"]
        assert line.removeprefix("warning: ") in [finding["message"] for finding in stored]


def test_cameras_far_apart_say_what_a_pixel_means_and_no_more(run, footage) -> None:
    audit = run("audit", footage.capture)
    assert "depth: where the cameras look, one pixel of error in every view means" in audit.out
    assert "too close" not in audit.out


def test_brackets_in_the_name_of_a_view_stand_in_the_table(run, footage):
    """To a terminal's mark-up they would be a style, and vanish."""
    (footage.capture / "videos" / "cam1.mp4").rename(footage.capture / "videos" / "cam[red].mp4")
    (footage.capture / "capture.toml").write_text('[names]\n"cam[red]" = "cam1"\n')
    audit = run("audit", footage.capture)
    assert audit.code == 0, audit.err
    assert "cam[red]" in audit.out
