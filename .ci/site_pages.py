"""Pages of the site with their source elsewhere: README and its like, the notebook, and the package's reference."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
NOTEBOOK = "first_harvest"
RUN = ROOT / "build" / f"{NOTEBOOK}.ipynb"
"""What `.ci/notebook.py` leaves; without it the page has no outputs."""

REFERENCE = {
    "To harvest": (
        "poseharvest.capture.capture.Capture",
        "poseharvest.detectors.registry.load_detector",
        "poseharvest.analysis.make_harvest.harvest",
        "poseharvest.harvesting.harvest_options.HarvestOptions",
        "poseharvest.pictorial.inference_options.InferenceOptions",
        "poseharvest.selection.rules.SelectionRule",
    ),
    "A harvest": ("poseharvest.analysis.harvest_object.Harvest",),
    "A detector of your own": (
        "poseharvest.detectors.protocol.HeatmapDetector",
        "poseharvest.detectors.protocol.CroppedView",
    ),
    "3D pictorial structures": ("poseharvest.pictorial.infer.PictorialStructures",),
    "The studio": ("poseharvest.studio.shoot.studio_capture", "poseharvest.studio.shoot.CaptureOptions"),
}
"""Heading -> what is documented there."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages to those of docs/."""
    for source, page in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=within_docs(text)))
    sections = [f"## {heading}\n\n" + "\n\n".join(map("::: {}".format, names)) for heading, names in REFERENCE.items()]
    files.append(File.generated(config, "api.md", content="\n\n".join(["# Reference of the package", *sections, ""])))
    add_notebook(files, config)
    return files


def add_notebook(files: Files, config: Any) -> None:
    """Add the notebook as a page, with what its cells printed and drew where it has been run."""
    source = next(file for file in files if file.src_uri == f"{NOTEBOOK}.ipynb")
    files.remove(source)
    notebook = json.loads((RUN if RUN.is_file() else Path(str(source.abs_src_path))).read_text(encoding="utf-8"))
    parts = []
    for number, cell in enumerate(notebook["cells"]):
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
        for output in cell.get("outputs", []):
            parts.append(shown(output, f"images/{NOTEBOOK}-{number}.png", files, config))
    files.append(File.generated(config, f"{NOTEBOOK}.md", content="\n\n".join([*parts, ""])))


def shown(output: dict[str, Any], picture: str, files: Files, config: Any) -> str:
    """Return an output as Markdown; a figure becomes a file of the site."""
    data = output.get("data", {})
    if "image/png" in data:
        files.append(File.generated(config, picture, content=base64.b64decode("".join(data["image/png"]))))
        return f"![What the cell draws]({picture})"
    if "text/html" in data:
        return re.sub(r"<style.*?</style>", "", "".join(data["text/html"]), flags=re.DOTALL)
    printed = "".join(output.get("text") or data.get("text/plain", ""))
    return f"```text\n{printed.rstrip()}\n```" if printed else ""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links of docs/ to files above it, and to the notebook, lead to the pages made of them."""
    for source, page in ELSEWHERE.items():
        markdown = markdown.replace(f"](../{source}", f"]({page}")
    markdown = re.sub(r"\[([^\]]+)\]\(\.\./tests/[^)]*\)", r"\1", markdown)  # files, no pages
    return markdown.replace(f"]({NOTEBOOK}.ipynb", f"]({NOTEBOOK}.md")


def within_docs(text: str) -> str:
    """Return a page of the repository's root with links as they are within docs/."""
    for source, page in ELSEWHERE.items():
        text = text.replace(f"]({source}", f"]({page}")
    text = re.sub(r"(\]\(|src=\")docs/", r"\1", text)
    return re.sub(r"\[([^\]]+)\]\((?:examples/[^)]*|LICENSE|CITATION\.cff)\)", r"\1", text)  # files, no pages
