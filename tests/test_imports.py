"""The import graph: packages import one way, modules never in a circle, and inference never reaches the truth."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "poseharvest"
ROOT = "poseharvest"

LEVELS: tuple[tuple[str, ...], ...] = (
    ("stated",),
    ("errors", "arrays", "compiled", "findings", "lazy_names", "module_records", "progress", "threads"),
    ("checks", "devices", "reading", "units", "versions"),
    ("geometry", "skeleton", "storage"),
    ("heatmaps", "calibration", "networks", "selection", "motion", "boards"),
    ("capture",),
    ("detectors", "pictorial", "rig_calibration"),
    ("localization", "refinement"),
    ("annotations", "synchronisation"),
    ("diagnosis", "people_calibration"),
    ("simulation", "datasets", "harvesting", "export", "evaluation"),
    ("studio", "kinematics"),
    ("learning",),
    ("report",),
    ("review",),
    ("analysis",),
    ("tables",),
    ("cli",),
    ("__main__",),
    (ROOT,),
)
"""Packages (and modules without one) from the base up. Each may import those below it, and itself."""

SUBLEVELS: dict[str, tuple[tuple[str, ...], ...]] = {
    "learning": (("loop",), ("heatmaps2d",), ("personalize",), ("pose3d",)),
    "localization": (("find",), ("follow",)),
    "tables": (("football",), ("human36m",), ("studio",)),
}
"""The same for packages within a package; the modules beside them lie below all of them."""

ALLOWED_ON_ONE_LEVEL: frozenset[tuple[str, str]] = frozenset()
"""(importer, imported) pairs of one level that are allowed all the same."""

KNOWS_THE_TRUTH = ("simulation", "studio", "evaluation", "datasets", "tables")
INFERS = ("pictorial", "localization", "harvesting", "rig_calibration")

HEAVY = ("torch", "numpy", "scipy", "cv2", "av", "matplotlib", "onnxruntime", "pyarrow", "h5py", "pydantic", "pandas")

Graph = dict[str, set[str]]


def module_name(path: Path, source: Path) -> str:
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join((ROOT, *(part for part in parts if part != "__init__")))


def imported_names(path: Path, name: str) -> Iterator[str]:
    """Dotted names that a file imports, wherever in it; `a.b` for `from a import b`, which may be a module or not."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def import_graph(source: Path) -> Graph:
    """For every module of the package, the modules of the package that it imports, at the top or within a function.

    The version, which is a literal, may be read from the root by anyone and makes no edge.
    """
    paths = {module_name(path, source): path for path in source.rglob("*.py")}
    graph: Graph = {}
    for name, path in paths.items():
        wanted = {n for n in imported_names(path, name) if n.split(".")[0] == ROOT and n != f"{ROOT}.__version__"}
        graph[name] = {n if n in paths else n.rpartition(".")[0] for n in wanted} & set(paths) - {name}
    return graph


def package_of(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def level_of(package: str) -> int:
    found = [level for level, packages in enumerate(LEVELS) if package in packages]
    assert found, f'"{package}" is in no level: give it one in LEVELS'
    return found[0]


def back_edges(graph: Graph) -> list[str]:
    wrong = []
    for module, imports in sorted(graph.items()):
        for imported in sorted(imports):
            a, b = package_of(module), package_of(imported)
            allowed = a == b or level_of(a) > level_of(b) or (a, b) in ALLOWED_ON_ONE_LEVEL
            if not allowed:
                wrong.append(f"{module} -> {imported}")
    return wrong


def back_edges_within(graph: Graph, package: str, levels: tuple[tuple[str, ...], ...]) -> list[str]:
    """Imports within a package that go from a lower of its packages, or from a module beside them, to a higher one."""

    def level(module: str) -> int:
        parts = module.split(".")
        found = [number for number, names in enumerate(levels) if len(parts) > 2 and parts[2] in names]
        return found[0] if found else -1

    return [
        f"{module} -> {imported}"
        for module, imports in sorted(graph.items())
        for imported in sorted(imports)
        if module.count(".") > 1 and package_of(module) == package_of(imported) == package
        if level(imported) > level(module)
    ]


def cycle(graph: Graph) -> list[str]:
    """The modules of a circle of imports, or none."""
    done: set[str] = set()

    def search(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for imported in sorted(graph[module]):
            found = search(imported, [*path, module])
            if found:
                return found
        done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := search(module, []))), [])


def executed(module: str) -> set[str]:
    """What runs on importing a module: itself and the packages around it, but for the root."""
    parts = module.split(".")
    return {".".join(parts[:n]) for n in range(2, len(parts) + 1)}


def reached_from(start: str, graph: Graph) -> dict[str, tuple[str, ...]]:
    """Every module that importing `start` may execute, each with a way of imports to it."""
    ways: dict[str, tuple[str, ...]] = {start: (start,)}
    queue = [start]
    for module in queue:
        steps = sorted(set().union(*(executed(name) for name in graph[module])) & set(graph) - set(ways))
        ways |= {step: (*ways[module], step) for step in steps}
        queue += steps
    return ways


def ways_to_the_truth(graph: Graph) -> list[str]:
    starts = sorted(module for module in graph if package_of(module) in INFERS)
    ways = [way for start in starts for way in reached_from(start, graph).values()]
    return [" -> ".join(way) for way in ways if package_of(way[-1]) in KNOWS_THE_TRUTH]


@pytest.fixture(scope="module")
def graph() -> Graph:
    return import_graph(SOURCE)


@pytest.fixture
def plant(tmp_path):
    """Writes a little package and returns its graph."""

    def write(files: dict[str, str]) -> Graph:
        for name, text in files.items():
            path = tmp_path / ROOT / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return import_graph(tmp_path / ROOT)

    return write


def test_packages_import_one_way(graph):
    assert back_edges(graph) == []


@pytest.mark.parametrize("package", SUBLEVELS)
def test_packages_within_a_package_import_one_way(graph, package):
    assert back_edges_within(graph, package, SUBLEVELS[package]) == []
    inner = {path.parent.name for path in (SOURCE / package).glob("*/__init__.py")}
    assert inner == {name for level in SUBLEVELS[package] for name in level}


def test_a_back_edge_within_a_package_is_caught(plant):
    graph = plant({
        "learning/samples": "from poseharvest.learning.loop import steps",
        "learning/loop/steps": "from poseharvest.learning.pose3d import task",
        "learning/pose3d/task": "from poseharvest.learning import samples",
    })
    assert back_edges_within(graph, "learning", SUBLEVELS["learning"]) == [
        "poseharvest.learning.loop.steps -> poseharvest.learning.pose3d.task",
        "poseharvest.learning.samples -> poseharvest.learning.loop.steps",
    ]


def test_every_package_has_a_level(graph):
    assert {package_of(module) for module in graph} <= {package for level in LEVELS for package in level}


def test_contributing_lists_the_levels_as_they_are():
    text = (SOURCE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = text.split("<!-- levels -->\n```\n")[1].split("```")[0]
    assert [tuple(line.split()) for line in listed.splitlines()] == list(LEVELS[:-2])


def test_no_module_imports_itself_in_a_circle(graph):
    assert cycle(graph) == []


def test_inference_cannot_reach_the_truth(graph):
    assert ways_to_the_truth(graph) == []


def loaded_by(module: str) -> set[str]:
    """Every module that a fresh interpreter holds after it has imported one."""
    code = f"import sys, {module}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SOURCE.parent)}
    )
    return set(result.stdout.split())


def test_importing_the_package_is_cheap():
    assert loaded_by(ROOT) & set(HEAVY) == set()


@pytest.mark.parametrize("module", ["progress", "findings", "errors"])
def test_the_ground_floor_loads_nothing_else_of_the_package(module):
    ours = {name for name in loaded_by(f"{ROOT}.{module}") if name.split(".")[0] == ROOT}
    assert ours == {ROOT, f"{ROOT}.{module}"}


def test_a_back_edge_is_caught(plant):
    graph = plant({
        "geometry/crop": "from poseharvest.heatmaps import maps",
        "heatmaps/maps": "from poseharvest.geometry import crop\nfrom .. import errors",
        "capture/frames": "def f():\n    from poseharvest.detectors.protocol import X",
        "detectors/protocol": "X = 1",
        "errors": "",
    })
    assert back_edges(graph) == [
        "poseharvest.capture.frames -> poseharvest.detectors.protocol",
        "poseharvest.geometry.crop -> poseharvest.heatmaps.maps",
    ]
    assert graph["poseharvest.heatmaps.maps"] == {"poseharvest.geometry.crop", "poseharvest.errors"}
    assert cycle(graph) == ["poseharvest.geometry.crop", "poseharvest.heatmaps.maps", "poseharvest.geometry.crop"]


def test_a_new_package_must_be_given_a_level(plant):
    graph = plant({"geometry/crop": "import poseharvest.utils.things", "utils/things": ""})
    with pytest.raises(AssertionError, match='"utils" is in no level'):
        back_edges(graph)


def test_reading_the_version_from_the_root_is_allowed_and_nothing_else(plant):
    graph = plant({
        "__init__": "__version__ = '1'\nfrom poseharvest.cli.app import main",
        "cli/app": "from poseharvest import __version__",
        "annotations/writer": "from poseharvest import __version__, main",
    })
    assert back_edges(graph) == ["poseharvest.annotations.writer -> poseharvest"]


def test_a_hidden_way_to_the_truth_is_caught(plant):
    graph = plant({
        "pictorial/infer": "from poseharvest.heatmaps.maps import f",
        "heatmaps/__init__": "from poseharvest.evaluation.truth import true_pose",
        "heatmaps/maps": "",
        "evaluation/truth": "",
    })
    assert ways_to_the_truth(graph) == [
        "poseharvest.pictorial.infer -> poseharvest.heatmaps -> poseharvest.evaluation.truth"
    ]
