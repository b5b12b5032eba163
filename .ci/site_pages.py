"""Pages of the site with their source elsewhere: README, CHANGELOG, CONTRIBUTING, and the reference of the package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
REFERENCE = {
    "To harvest": (
        "poseharvest.capture.capture.Capture",
        "poseharvest.detectors.registry.load_detector",
        "poseharvest.analysis.make_harvest.harvest",
        "poseharvest.harvesting.harvest_options.HarvestOptions",
        "poseharvest.pictorial.infer.InferenceOptions",
        "poseharvest.selection.select.SelectionRule",
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
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links of docs/ to files above it lead to the pages made of them."""
    for source, page in ELSEWHERE.items():
        markdown = markdown.replace(f"](../{source}", f"]({page}")
    return markdown


def within_docs(text: str) -> str:
    """Return a page of the repository's root with links as they are within docs/."""
    for source, page in ELSEWHERE.items():
        text = text.replace(f"]({source}", f"]({page}")
    text = re.sub(r"(\]\(|src=\")docs/", r"\1", text)
    return re.sub(r"\[([^\]]+)\]\((?:examples/[^)]*|LICENSE|CITATION\.cff)\)", r"\1", text)  # files, no pages
