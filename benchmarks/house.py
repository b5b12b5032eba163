"""How much a reader must hold in the head: the files and functions that one steady frame crosses, and the code's size.

    python benchmarks/house.py CAPTURE --calibration FILE --weights FILE      # a frame from picture to Parquet
    python benchmarks/house.py --size                                         # lines of code, lengths of functions

A steady frame is one after the subject's limbs are known, here from the first sixteen frames. Counted are the named
functions of the package that run while such frames go from the decoder to the Parquet file, in any thread. Lambdas and
comprehensions belong to the function around them. Lines of code are those with a statement: docstrings, comments and
blank lines are left out.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tempfile
import threading
import tokenize
from collections import Counter
from pathlib import Path
from statistics import median
from types import CodeType, FrameType

import poseharvest

SOURCE = Path(poseharvest.__file__).resolve().parent
WARM_UP = 16
STEADY = range(24, 56)  # frames that are finished; the decoder and the network are ahead of them
LAST = 100
NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
RECORDS_A_PART = 8  # so that some parts are written on the way


class Crossing:
    """Notes which functions of the package are called while it is on, in every thread."""

    def __init__(self) -> None:
        self.is_on = False
        self.codes: Counter[CodeType] = Counter()

    def hear(self, frame: FrameType, event: str, argument: object) -> None:
        """Take in one event of the interpreter."""
        if self.is_on and event == "call":
            code = frame.f_code
            if code.co_filename.startswith(str(SOURCE)) and not code.co_name.startswith("<"):
                self.codes[code] += 1

    def __enter__(self) -> Crossing:
        threading.setprofile(self.hear)
        sys.setprofile(self.hear)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)


def cross(capture: Path, calibration: Path | None, weights: Path | None) -> Crossing:
    """Harvest the first frames of a capture and return what the steady ones among them crossed."""
    from poseharvest import Capture, HarvestOptions, harvest, load_detector
    from poseharvest.annotations.writer import HarvestWriter
    from poseharvest.progress import Progress

    defaults = HarvestWriter.__init__.__kwdefaults__
    assert "records_per_part" in defaults
    defaults["records_per_part"] = RECORDS_A_PART

    detector = load_detector("efficientpose", **({} if weights is None else {"weights": weights}))
    opened = Capture.open(capture, calibration=calibration)
    options = HarvestOptions(stop=min(LAST, opened.num_frames), warm_up_frames=WARM_UP, num_previews=0)
    crossing = Crossing()

    def switch(progress: Progress) -> None:
        crossing.is_on = progress.stage == "harvesting" and progress.done in STEADY

    with tempfile.TemporaryDirectory() as folder, crossing:
        harvest(opened, detector, Path(folder) / "harvest", options=options, on_progress=switch)
    return crossing


def lines_of_code(path: Path) -> int:
    """Return how many lines of a file hold code: neither docstring nor comment nor blank."""
    text = path.read_text(encoding="utf-8")
    docstrings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with path.open("rb") as stream:
        tokens = [
            token for token in tokenize.tokenize(stream.readline) if token.type not in {*blank, tokenize.ENCODING}
        ]
    return len({line for token in tokens for line in range(token.start[0], token.end[0] + 1)} - docstrings)


def function_lengths(path: Path) -> list[int]:
    """Return the lines of every function of a file, its docstring left out."""
    lengths = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            first = node.body[0]
            if ast.get_docstring(node, clean=False) is not None:
                length -= (first.end_lineno or first.lineno) - first.lineno + 1
            lengths.append(length)
    return lengths


def print_size(folder: Path) -> None:
    """Print the lines of code and the lengths of functions in a folder."""
    files = sorted(folder.rglob("*.py"))
    lengths = [length for path in files for length in function_lengths(path)]
    print(f"{folder}: {len(files)} files, {sum(map(lines_of_code, files)):,} lines of code, ", end="")
    print(f"{len(lengths):,} functions of {median(lengths):g} lines in the median, the longest {max(lengths)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("capture", type=Path, nargs="?")
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--size", action="store_true", help="print the size of src/ and benchmarks/ alone")
    parser.add_argument("--list", action="store_true", help="list the functions that a steady frame crosses")
    arguments = parser.parse_args()
    if arguments.size or arguments.capture is None:
        for folder in (SOURCE, Path(__file__).resolve().parent):
            print_size(folder)
        return
    crossing = cross(arguments.capture, arguments.calibration, arguments.weights)
    by_file = Counter(code.co_filename for code in crossing.codes)
    print(f"one steady frame crosses {len(by_file)} files and {len(crossing.codes)} functions")
    for name, number in sorted(by_file.items()):
        print(f"  {Path(name).relative_to(SOURCE)}: {number}")
        here = sorted((code for code in crossing.codes if code.co_filename == name), key=lambda c: c.co_firstlineno)
        for code in here if arguments.list else ():
            print(f"      {code.co_qualname} ({crossing.codes[code]})")


if __name__ == "__main__":
    main()
