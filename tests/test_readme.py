"""The documentation is true: commands parse, snippets import, links lead somewhere, and what is named exists."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import poseharvest
from poseharvest.cli.app import app

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "src" / "poseharvest"
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
TEST_NAME = re.compile(r"[\w/]+\.py::\w+")
DOTTED = re.compile(r"[a-z_]\w*(?:\.\w+)+")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [body for found, body in FENCED.findall(text) if found == language]


def marked_command(marker: str) -> str:
    """The one line in the code block under a marker of the README."""
    found = re.search(rf"^<!-- {marker} -->\n```bash\n(.*)\n```$", text_of(REPOSITORY / "README.md"), re.MULTILINE)
    assert found is not None, f"README.md has no one-line block under <!-- {marker} -->"
    return found[1]


def poseharvest_commands(text: str) -> Iterator[list[str]]:
    """Arguments of every `poseharvest ...` in shell blocks and in backticks, the options in brackets included."""
    lines = [line for language in ("bash", "") for block in blocks(text, language) for line in block.splitlines()]
    lines += [
        code for code in CODE.findall(FENCED.sub("", text)) if code.count(" ") > 1
    ]  # two words only name a command
    for line in lines:
        for part in line.split(" && "):
            if re.match(r"(\.venv/bin/)?poseharvest ", part):
                words = shlex.split(re.sub(r"[\[\]]", "", part), comments=True)
                # "coco|csv|trc" offers a choice: the first stands for all.
                yield [word.split("|")[0] for word in words[1:]]


def anchors(page: Path) -> set[str]:
    """The targets that a page's headings make."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def resolve(dotted: str) -> object:
    """The object that a name below `poseharvest` means."""
    module, *rest = dotted.split(".")
    found: object = importlib.import_module(f"poseharvest.{module}")
    for index, name in enumerate(rest):
        if not hasattr(found, name):
            importlib.import_module(".".join(("poseharvest", module, *rest[: index + 1])))
        found = getattr(found, name)
    return found


def extras(command: str) -> set[str]:
    found = re.search(r"-e '\.\[([\w,]+)\]'", command)
    assert found is not None, command
    return set(found[1].split(","))


@pytest.mark.parametrize("marker", ["demo-command", "test-command"])
def test_the_two_commands_make_their_own_environment(marker):
    command = marked_command(marker)
    assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e ")
    assert "--group" not in command
    assert extras(command) <= set(PROJECT["optional-dependencies"])
    assert (REPOSITORY / "constraints.txt").is_file()


def test_the_first_command_runs_the_demo_and_the_second_the_tests():
    demo, tests = marked_command("demo-command"), marked_command("test-command")
    assert demo.endswith(" && .venv/bin/poseharvest demo --out demo")
    assert PROJECT["scripts"]["poseharvest"] == "poseharvest.__main__:main"
    assert tests.endswith(" && .venv/bin/python -m pytest -n 2")
    assert extras(tests) == extras(demo) | {"dev"}


def test_ci_runs_the_readme_s_test_command():
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    script = REPOSITORY / ".ci" / "run"
    printed = subprocess.run(["bash", str(script), "--print"], capture_output=True, text=True, check=True).stdout
    assert printed == marked_command("test-command") + "\n"
    assert "pytest" not in re.sub(r"#.*|\*pytest\*|README.*", "", text_of(script)), "the tests' command is repeated"


def test_ci_runs_the_long_tests_that_the_command_leaves_out():
    options = tomllib.loads(text_of(REPOSITORY / "pyproject.toml"))["tool"]["pytest"]["ini_options"]["addopts"]
    assert shlex.split(options)[-2:] == ["-m", "not long"]
    assert "${test_command##* && } -m long" in text_of(REPOSITORY / ".ci" / "run")


def test_the_package_s_dependencies_are_those_that_it_imports():
    declared = {re.split(r"[<>=\[]", item)[0].lower() for item in PROJECT["dependencies"]}
    extra = [
        item
        for name in ("onnx", "h5", "c3d", "gltf", "opensim", "ray", "pandas", "xarray", "plot", "nwb", "rerun", "sleap")
        for item in PROJECT["optional-dependencies"][name]
    ]
    declared |= {re.split(r"[<>=\[]", item)[0].lower() for item in extra}
    imported = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    others = imported - set(sys.stdlib_module_names) - {"poseharvest"}
    packages = {"cv2": "opencv-python-headless", "ndx_pose": "ndx-pose", "rerun": "rerun-sdk", "sleap_io": "sleap-io"}
    found = {packages.get(name, name) for name in others}
    assert found == declared - {"onnx"}  # torch imports it when it writes a model


@EVERY_PAGE
def test_every_command_is_understood(page):
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for words in poseharvest_commands(text_of(page)):
        assert words[0] in commands, words
        # Raises where an option is unknown, an argument is missing or a choice is wrong; runs nothing.
        commands[words[0]].make_context(words[0], words[1:])


def test_every_command_is_documented():
    found = {words[0] for page in PAGES for words in poseharvest_commands(text_of(page))}
    assert found == set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_a_wrong_command_is_noticed():
    assert list(poseharvest_commands("```bash\na && .venv/bin/poseharvest demo --out x  # why\n```")) == [
        ["demo", "--out", "x"]
    ]
    with pytest.raises(Exception, match="No such option"):
        typer.main.get_command(app).commands["demo"].make_context("demo", ["--ot", "x"])  # type: ignore[attr-defined]


@EVERY_PAGE
def test_python_snippets_import_what_exists(page):
    for snippet in blocks(text_of(page), "python"):
        for node in ast.walk(ast.parse(snippet)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "poseharvest":
                module = importlib.import_module(node.module)
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@EVERY_PAGE
def test_links_lead_somewhere(page):
    for target in LINK.findall(FENCED.sub("", text_of(page))):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_relative_to(REPOSITORY), target
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_every_page_is_linked_from_the_readme():
    linked = {target.partition("#")[0] for target in LINK.findall(text_of(REPOSITORY / "README.md"))}
    assert {f"docs/{page.name}" for page in PAGES if page.parent.name == "docs"} <= linked


def test_pages_that_the_code_refers_to_exist():
    referred = {name for path in SOURCE.rglob("*.py") for name in re.findall(r"docs/\w+\.md", text_of(path))}
    assert {name for name in referred if not (REPOSITORY / name).is_file()} == set()


def test_choices_that_the_code_refers_to_are_explained():
    referred = {name for path in SOURCE.rglob("*.py") for name in re.findall(r"choices? (D\d+)", text_of(path))}
    assert {name for name in referred if f"({name})" not in text_of(REPOSITORY / "docs" / "method.md")} == set()


def test_the_method_s_functions_exist():
    packages = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    names = {code.removesuffix("()") for code in CODE.findall(text_of(REPOSITORY / "docs" / "method.md"))}
    ours = {name for name in names if DOTTED.fullmatch(name) and name.split(".")[0] in packages}
    assert len(ours) > 20
    for name in sorted(ours):
        resolve(name)


def test_the_method_s_tests_exist():
    named = {name for name in CODE.findall(text_of(REPOSITORY / "docs" / "method.md")) if TEST_NAME.fullmatch(name)}
    assert len(named) > 20
    for name in sorted(named):
        path, _, function = name.partition("::")
        assert f"def {function}(" in text_of(REPOSITORY / "tests" / path), name


def test_missing_names_are_noticed():
    assert resolve("pictorial.infer.PictorialStructures.infer")
    with pytest.raises(ModuleNotFoundError):
        resolve("pictorial.infer.no_such_function")


def test_version_and_citation_agree():
    citation = text_of(REPOSITORY / "CITATION.cff")
    fields = dict(re.findall(r'^(\S+): "?([^">\n]+)"?$', citation, re.MULTILINE))
    assert fields["version"] == poseharvest.__version__
    assert fields["license"] == PROJECT["license"]
    title = re.search(r'^preferred-citation:\n(?:  .*\n)*?  title: "(.+)"$', citation, re.MULTILINE)
    assert title is not None
    readme = text_of(REPOSITORY / "README.md").replace("\n", " ")
    assert readme.count(title[1]) == 1
    bibtex = blocks(text_of(REPOSITORY / "docs" / "method.md"), "bibtex")
    assert [title[1] in entry.replace("{D}", "D") for entry in bibtex] == [True]
    families = re.findall(r"family-names: (\w+)", citation)
    assert len(families) == 4
    assert all(family in readme and family in bibtex[0] for family in families)


def test_the_changelog_has_a_section_for_what_comes():
    assert re.search(r"^## Unreleased$", text_of(REPOSITORY / "CHANGELOG.md"), re.MULTILINE)


def test_every_page_has_its_place_on_the_site():
    listed = set(re.findall(r"- ([\w/]+\.md)$", text_of(REPOSITORY / "mkdocs.yml"), re.MULTILINE))
    pages = {path.relative_to(REPOSITORY / "docs").as_posix() for path in (REPOSITORY / "docs").rglob("*.md")}
    assert pages - listed == set()
