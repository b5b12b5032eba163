"""Options that follow from a dataclass: a field is an option with its default and its help, stated once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest
import typer
from typer.testing import CliRunner

from poseharvest.cli.derived_options import field_texts, help_sentence, option_fields, options_of, with_options
from poseharvest.pictorial.inference_options import InferenceOptions


@dataclass(frozen=True)
class Below:
    """Every field is described below it."""

    num_steps: int = 3
    """How often (choice D3). It is a
    number."""

    method: Literal["fast", "slow"] = "fast"
    """"fast" or "slow"."""

    limit_mm: float | None = None
    """Largest `step`; None is no limit."""

    is_loud: bool = False
    """Say more."""

    pair: tuple[int, int] = (1, 2)
    """What no command line can say."""


@dataclass(frozen=True)
class Listed:
    """Every field is described in a list.

    Attributes:
        num_steps: how often,
            of course.
        name: None for nobody.
    """

    num_steps: int = 3
    name: str | None = None


def invoke(*arguments: str):
    app = typer.Typer()

    @app.command()
    @with_options("options", options_of(Below), lambda values: Below(**values))
    def run(word: str, options: Below | None = None) -> None:
        typer.echo(f"{word} {options}")

    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"})


def test_texts_are_found_below_the_fields_and_in_a_list():
    assert field_texts(Below)["num_steps"] == "How often (choice D3). It is a number."
    assert field_texts(Listed) == {"num_steps": "how often, of course.", "name": "None for nobody."}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How often (choice D3). It is a number.", "How often."),
        ("Largest `step`; None is no limit.", "Largest step; if not given, no limit."),
        ("epsilon of Eq. (2) in mm.", "Epsilon of Eq. (2) in mm."),
        ("", ""),
    ],
)
def test_a_help_text_is_one_sentence_without_python(text, expected):
    assert help_sentence(text) == expected


def test_what_no_command_line_can_say_is_left_out():
    assert [field.name for field in option_fields(Below)] == ["num_steps", "method", "limit_mm", "is_loud"]


def test_the_command_gets_the_dataclass():
    assert invoke("go").output.strip() == f"go {Below()}"
    arguments = ("--num-steps", "5", "--method", "slow", "--limit-mm", "0.5", "--is-loud")
    assert invoke("go", *arguments).output.strip() == f"go {Below(5, 'slow', 0.5, True)}"


def test_wrong_values_are_wrong_usage():
    assert invoke("go", "--num-steps", "many").exit_code == 2
    assert invoke("go", "--method", "odd").exit_code == 2


def test_help_and_defaults_are_those_of_the_fields():
    shown = " ".join(invoke("--help").output.replace("│", " ").split())
    assert "How often. [default: 3]" in shown
    assert "Largest step; if not given, no limit." in shown
    assert "--no-is-loud" not in shown


def test_every_choice_of_the_inference_has_a_help_text():
    fields = option_fields(InferenceOptions)
    assert {"resolution", "floor", "sharpen", "refine"} <= {field.name for field in fields}
    assert [field.name for field in fields if not field.help.endswith(".") or "None" in field.help] == []
