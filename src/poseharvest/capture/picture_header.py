"""The size of a picture from the first bytes of its file, so that a small file cannot unpack into gigabytes.

PNG, JPEG, BMP, TIFF and WebP are known by their first bytes, whatever the file is called. OpenCV can decode more
formats; pictures of those are refused, since nobody films in them.
"""

from __future__ import annotations

import struct

from poseharvest.reading.budgets import MAX_PIXELS

_NO_SIZE = frozenset({0xC4, 0xC8, 0xCC})  # markers of JPEG between 0xC0 and 0xCF that hold no size
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_SAMPLES = 256, 257, 277
_TIFF_NUMBERS = {1: "B", 3: "H", 4: "I"}
_MAX_SAMPLES = 4


def fits_budget(data: bytes) -> bool:
    """Return whether a file is a picture of one of these formats and of at most `MAX_PIXELS` pixels."""
    try:
        size = _size(data)
    except (struct.error, IndexError):
        return False
    return size is not None and 0 < size[0] * size[1] <= MAX_PIXELS


def _size(data: bytes) -> tuple[int, int] | None:
    """Return (height, width) in pixels; None if the header has none."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack_from(">II", data, 16)
        return height, width
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    if data.startswith(b"BM"):
        width, height = struct.unpack_from("<ii", data, 18)
        return abs(height), abs(width)
    if data.startswith((b"II*\0", b"MM\0*")):
        return _tiff_size(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in {0x01, *range(0xD0, 0xD9)}:
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return height, width
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    order = "<" if data.startswith(b"II") else ">"
    at = struct.unpack_from(f"{order}I", data, 4)[0]
    found = {_TIFF_SAMPLES: 1}
    for index in range(struct.unpack_from(f"{order}H", data, at)[0]):
        tag, kind = struct.unpack_from(f"{order}HH", data, at + 2 + 12 * index)
        if tag in {_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_SAMPLES} and kind in _TIFF_NUMBERS:
            found[tag] = struct.unpack_from(order + _TIFF_NUMBERS[kind], data, at + 10 + 12 * index)[0]
    if found[_TIFF_SAMPLES] > _MAX_SAMPLES or not {_TIFF_WIDTH, _TIFF_HEIGHT} <= found.keys():
        return None
    return found[_TIFF_HEIGHT], found[_TIFF_WIDTH]


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[start : start + 3], "little") + 1 for start in (24, 27))
        return height, width
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return ((bits >> 14) & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return height & 0x3FFF, width & 0x3FFF
