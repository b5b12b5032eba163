"""A model of COLMAP as text: `cameras.txt` and `images.txt` in one folder. Reading only.

`cameras.txt` has a line a camera: id, model, width, height, parameters. `images.txt` has two lines a picture: first id,
the quaternion qw qx qy qz and the vector tx ty tz of ``x_cam = R @ x_world + t``, camera id, file name; then points,
which are not read. In COLMAP the middle of the top-left pixel is (0.5, 0.5), so half a pixel is taken from the
principal point.

A rig is one picture a camera. The camera is called as the picture's folder if the pictures lie in different folders,
else as the picture without its ending. The world has **no unit** unless the model was scaled: it is read as metres, and
a note says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from poseharvest.calibration.build import CameraNumbers, ReadOptions, build_rig, rotation_of_quaternion
from poseharvest.calibration.calibration_format import CalibrationFormat
from poseharvest.calibration.values import image_size, numbers, shown
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import read_text
from poseharvest.units import LengthUnit, mm_per

DEFAULT_UNIT: LengthUnit = "m"
CAMERAS_FILE, IMAGES_FILE = "cameras.txt", "images.txt"

_HALF_PIXEL = 0.5
_IMAGE_FIELDS = 10


@dataclass(frozen=True)
class _LensModel:
    """A camera model: the places of its numbers in the list of parameters.

    Attributes:
        count: of the parameters.
        focal: places of fx and fy.
        center: place of cx; cy follows.
        lens: places of the coefficients in OpenCV's order.
        fisheye: whether the coefficients are those of the fisheye model.
    """

    count: int
    focal: tuple[int, int]
    center: int
    lens: tuple[int, ...] = ()
    fisheye: bool = False


_MODELS: Mapping[str, _LensModel] = MappingProxyType({
    "SIMPLE_PINHOLE": _LensModel(3, (0, 0), 1),
    "PINHOLE": _LensModel(4, (0, 1), 2),
    "SIMPLE_RADIAL": _LensModel(4, (0, 0), 1, (3,)),
    "RADIAL": _LensModel(5, (0, 0), 1, (3, 4)),
    "OPENCV": _LensModel(8, (0, 1), 2, (4, 5, 6, 7)),
    "FULL_OPENCV": _LensModel(12, (0, 1), 2, (4, 5, 6, 7, 8, 9, 10, 11)),
    "SIMPLE_RADIAL_FISHEYE": _LensModel(4, (0, 0), 1, (3,), fisheye=True),
    "RADIAL_FISHEYE": _LensModel(5, (0, 0), 1, (3, 4), fisheye=True),
    "OPENCV_FISHEYE": _LensModel(8, (0, 1), 2, (4, 5, 6, 7), fisheye=True),
})


def reject_colmap(path: Path) -> str | None:
    """Return why the file is not one of a model of COLMAP; None if it is one."""
    if path.name not in {CAMERAS_FILE, IMAGES_FILE}:
        return f"expected {CAMERAS_FILE} or {IMAGES_FILE}"
    try:
        lines = list(_lines(path.with_name(CAMERAS_FILE)))
        if not path.with_name(IMAGES_FILE).is_file():
            return f"no {IMAGES_FILE} beside it"
    except FormatError as error:
        return str(error)
    is_model = bool(lines) and all(len(fields) > 4 and fields[1].replace("_", "").isalpha() for fields in lines)
    return None if is_model else "no lines of id, model, width, height, parameters"


def read_colmap(path: Path, options: ReadOptions | None = None) -> Rig:
    """Return the rig of a model of COLMAP, in metres unless the user gives the unit.

    Args:
        path: one of the two files.
        options: information that the files lack.

    Raises:
        FormatError: a file is missing or damaged.
        CalibrationError: a camera has several pictures, or is impossible.
    """
    options = options or ReadOptions()
    lenses = {fields[0]: fields for fields in _lines(path.with_name(CAMERAS_FILE))}
    images = list(_images(path.with_name(IMAGES_FILE)))
    cameras = [_camera(name, fields, lenses) for name, fields in _named(images).items()]
    if options.unit is None:
        options.on_note(
            f"{path.name}: a model of COLMAP has no unit of its own: read as metres; if it was not scaled to them, "
            "all lengths are wrong by one factor"
        )
    return build_rig(cameras, path.name, mm_per(options.unit or DEFAULT_UNIT), options)


def _lines(path: Path) -> Iterator[list[str]]:
    """Yield the words of every line that is neither empty nor a comment."""
    for line in read_text(path).splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.split()


def _images(path: Path) -> Iterator[list[str]]:
    """Yield the words of the first line of every picture; the second, its points, may be empty."""
    lines = [line for line in read_text(path).splitlines() if not line.startswith("#")]
    while lines and not lines[0].strip():
        lines.pop(0)
    for line in lines[::2]:
        if not line.strip():
            continue
        fields = line.split(maxsplit=_IMAGE_FIELDS - 1)
        if len(fields) != _IMAGE_FIELDS:
            raise FormatError(
                f"{path.name}: expected id, quaternion, translation, camera and name of a picture, got {shown(line)}"
            )
        yield fields


def _named(images: list[list[str]]) -> dict[str, list[str]]:
    """Return the pictures by the name of their camera.

    Raises:
        CalibrationError: a camera has several pictures.
    """
    paths = [PurePosixPath(fields[-1].replace("\\", "/")) for fields in images]
    by_folder = len({path.parent for path in paths}) > 1
    cameras: dict[str, list[str]] = {}
    for path, fields in zip(paths, images, strict=True):
        name = str(path.parent if by_folder else path.with_suffix("").name)
        if name in cameras:
            raise CalibrationError(
                f'{IMAGES_FILE}: camera "{name}": expected one picture a camera, got {cameras[name][-1]} and '
                f"{fields[-1]}: keep the picture of one moment of each camera"
            )
        cameras[name] = fields
    return cameras


def _camera(name: str, image: list[str], lenses: Mapping[str, list[str]]) -> CameraNumbers:
    what = f'{IMAGES_FILE}: camera "{name}"'
    if image[8] not in lenses:
        raise FormatError(f"{what}: expected a camera of {CAMERAS_FILE}, got id {shown(image[8])}")
    lens_id, model_name, width, height, *parameters = lenses[image[8]]
    lens = f"{CAMERAS_FILE}: camera {lens_id}"
    model = _MODELS.get(model_name)
    if model is None:
        raise CalibrationError(f"{lens}: lens: expected a model of {', '.join(_MODELS)}, got {shown(model_name)}")
    values = numbers(parameters, (model.count,), f"{lens}: parameters of {model_name}")
    fx, fy = values[list(model.focal)]
    cx, cy = values[model.center : model.center + 2] - _HALF_PIXEL
    qw, qx, qy, qz = image[1:5]
    return CameraNumbers(
        name=name,
        image_size=image_size([width, height], f"{lens}: size"),
        matrix=[[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]],
        rotation=rotation_of_quaternion([qx, qy, qz, qw], f"{what}: quaternion"),
        translation=numbers(image[5:8], (3,), f"{what}: translation"),
        coefficients=values[list(model.lens)],
        fisheye=model.fisheye,
    )


def _leader(path: Path) -> Path:
    """Return `cameras.txt` for the `images.txt` beside it."""
    cameras = path.with_name(CAMERAS_FILE)
    return cameras if path.name == IMAGES_FILE and cameras.is_file() else path


FORMAT = CalibrationFormat(
    name="colmap",
    default_unit=DEFAULT_UNIT,
    reject=reject_colmap,
    read=read_colmap,
    resembles=lambda document, text: text.startswith(("# Camera list", "# Image list")),
    suffixes=(".txt",),
    deeper=(f"sparse/{CAMERAS_FILE}", f"sparse/*/{CAMERAS_FILE}"),
    leader=_leader,
)
