"""A board as a sheet to print at true size: a PDF of rectangles, or a PNG that states its resolution.

Both hold a line of 100 mm to check the printer with, and the board's numbers in words. The PDF is made by hand: it
needs filled rectangles and lines of text alone, and none of the libraries that the package uses writes PDF.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseharvest.boards.board import Board
from poseharvest.boards.board_choices import Paper
from poseharvest.boards.rectangles import dark_rectangles
from poseharvest.errors import ConfigError
from poseharvest.storage.staging import staged_file

PAPERS_MM = {
    "A4": (210.0, 297.0),
    "A3": (297.0, 420.0),
    "A2": (420.0, 594.0),
    "A1": (594.0, 841.0),
    "A0": (841.0, 1189.0),
    "letter": (215.9, 279.4),
    "tabloid": (279.4, 431.8),
}
"""Width and height of papers, mm. "fit" is a page just large enough."""

_POINTS_PER_MM = 72 / 25.4
_MARGIN_MM, _FOOT_MM = 10.0, 16.0  # around the board; below it, for the words
_RULER_MM = 100.0
_TEXT_MM = 3.2


def write_board(
    board: Board, path: Path, *, paper: Paper = "fit", dpi: int = 300, overwrite: bool = False
) -> tuple[float, float]:
    """Write a sheet with the board at true size and return the (width, height) of its page, mm.

    Args:
        board: the board.
        path: the file to make, `.pdf` or `.png`.
        paper: its page; "fit" makes one that is just large enough. A paper is turned if only that fits.
        dpi: pixels per inch of a PNG. The edges of its squares are rounded to pixels.
        overwrite: replace a file that stands there.

    Raises:
        ConfigError: the suffix or the paper is unknown, the board does not fit on the paper, it is inverted, or the
            resolution is not of 50 to 2400 dpi.
        StoreError: the file exists or cannot be written.
    """
    if board.inverted:
        raise ConfigError("inverted: a board is printed black on white, got an inverted one: leave that out")
    page = _page_mm(board, paper)
    suffix = path.suffix.lower()
    if suffix not in {".pdf", ".png"}:
        raise ConfigError(f'print_board: expected a file called .pdf or .png, got "{path.name}"')
    if not 50 <= dpi <= 2400:
        raise ConfigError(f"dpi: expected 50 to 2400, got {dpi}")
    data = _pdf(board, page) if suffix == ".pdf" else _png(board, page, dpi)
    with staged_file(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)
    return page


def words(board: Board) -> str:
    """Return the line of text below a printed board."""
    inner = f"{board.columns - 1} x {board.rows - 1} inner corners"
    return (
        f"{board} ({inner}). Print at 100 %, measure the line of {_RULER_MM:g} mm and a square, glue on a flat plate."
    )


def _page_mm(board: Board, paper: Paper) -> tuple[float, float]:
    width, height = board.size_mm
    needed = (max(width, _RULER_MM) + 2 * _MARGIN_MM, height + 2 * _MARGIN_MM + _FOOT_MM)
    if paper == "fit":
        return needed
    if paper not in PAPERS_MM:
        raise ConfigError(f'paper: expected fit, {", ".join(PAPERS_MM)}, got "{paper}"')
    for page in (PAPERS_MM[paper], PAPERS_MM[paper][::-1]):
        if needed[0] <= page[0] and needed[1] <= page[1]:
            return page
    raise ConfigError(
        f"paper: {board.columns} x {board.rows} squares of {board.square_mm:g} mm need a page of {needed[0]:g} x "
        f"{needed[1]:g} mm, got {paper}: take smaller squares or larger paper"
    )


def _left_top_mm(board: Board, page: tuple[float, float]) -> tuple[float, float]:
    return (page[0] - board.size_mm[0]) / 2, (page[1] - _FOOT_MM - board.size_mm[1]) / 2


def _lines(board: Board, page: tuple[float, float]) -> list[str]:
    """Return the words, broken into lines that fit on the page."""
    width = max(30, int((page[0] - 2 * _MARGIN_MM) / (_TEXT_MM * 0.5)))
    lines = [""]
    for word in words(board).split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _ruler(page: tuple[float, float], foot_mm: float) -> list[tuple[float, float, float, float]]:
    """Return the line of 100 mm with its ends as rectangles, mm from the top left."""
    left = (page[0] - _RULER_MM) / 2
    ends = [(left + at - 0.15, foot_mm - 1.5, 0.3, 3.0) for at in (0.0, _RULER_MM)]
    return [(left, foot_mm - 0.15, _RULER_MM, 0.3), *ends]


def _pdf(board: Board, page: tuple[float, float]) -> bytes:
    left, top = _left_top_mm(board, page)
    foot = top + board.size_mm[1] + 4.0
    rectangles = [*(dark_rectangles(board) + np.array((left, top, 0, 0))).tolist(), *_ruler(page, foot)]
    drawing = ["0 g"]
    for x, y, wide, high in rectangles:
        sizes = (x, page[1] - y - high, wide, high)
        drawing.append(" ".join(f"{size * _POINTS_PER_MM:.4f}" for size in sizes) + " re")
    drawing.append("f")  # one path: neighbours that touch leave no seam
    for number, line in enumerate(_lines(board, page)):
        at = (_MARGIN_MM * _POINTS_PER_MM, (page[1] - foot - 5.5 - number * _TEXT_MM * 1.25) * _POINTS_PER_MM)
        drawing.append(f"BT /F1 {_TEXT_MM * _POINTS_PER_MM:.2f} Tf {at[0]:.2f} {at[1]:.2f} Td ({_escaped(line)}) Tj ET")
    stream = "\n".join(drawing).encode("ascii")
    box = " ".join(f"{side * _POINTS_PER_MM:.4f}" for side in page)
    return _pdf_file([
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {box}] /Contents 4 0 R "
        f"/Resources << /Font << /F1 5 0 R >> >> >>".encode("ascii"),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ])


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _pdf_file(objects: list[bytes]) -> bytes:
    """Return the file of numbered objects, the first of which is the catalog."""
    parts, offsets = [b"%PDF-1.4\n"], []
    for number, content in enumerate(objects, 1):
        offsets.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = sum(map(len, parts))
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, entries))
    parts.append(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start))
    return b"".join(parts)


def _png(board: Board, page: tuple[float, float], dpi: int) -> bytes:
    import cv2

    px_per_mm = dpi / 25.4
    picture: NDArray[np.uint8] = np.full([round(side * px_per_mm) for side in page[::-1]], 255, np.uint8)
    left, top = _left_top_mm(board, page)
    foot = top + board.size_mm[1] + 4.0
    rectangles = [*(dark_rectangles(board) + np.array((left, top, 0, 0))).tolist(), *_ruler(page, foot)]
    for x, y, wide, high in rectangles:
        first = (round(y * px_per_mm), round(x * px_per_mm))
        last = (max(first[0] + 1, round((y + high) * px_per_mm)), max(first[1] + 1, round((x + wide) * px_per_mm)))
        picture[first[0] : last[0], first[1] : last[1]] = 0
    font = cv2.FONT_HERSHEY_SIMPLEX
    scale = 0.7 * _TEXT_MM * px_per_mm / cv2.getTextSize("X", font, 1.0, 1)[0][1]
    for number, line in enumerate(_lines(board, page)):
        at = (round(_MARGIN_MM * px_per_mm), round((foot + 5.5 + number * _TEXT_MM * 1.25) * px_per_mm))
        cv2.putText(picture, line, at, font, scale, 0, max(1, round(dpi / 150)), cv2.LINE_AA)
    return _with_resolution(cv2.imencode(".png", picture)[1].tobytes(), dpi)


def _with_resolution(png: bytes, dpi: int) -> bytes:
    """Return the PNG with its pixels per metre, which OpenCV cannot write, after the first chunk."""
    per_metre = round(dpi / 0.0254)
    chunk = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    first = 8 + 25  # the signature, and the header with its length, name and checksum
    return png[:first] + struct.pack(">I", 9) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[first:]
