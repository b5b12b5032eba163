"""Small valid files of every kind that a reader takes, written into an empty folder; each returns those to damage."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from poseharvest.calibration.h36m import write_h36m
from poseharvest.calibration.native import write_rig
from poseharvest.calibration.opencv_yaml import write_opencv_yaml
from poseharvest.calibration.panoptic import write_panoptic
from poseharvest.calibration.toml_cameras import write_toml
from poseharvest.calibration.voxelpose import write_voxelpose
from poseharvest.geometry.rig import Rig
from poseharvest.simulation.camera_rigs import random_rig

Make = Callable[[Path], list[Path]]


def _rig() -> Rig:
    return random_rig(3, torch.Generator().manual_seed(3))


def _cameras() -> list[Any]:
    return list(_rig())


def _written(name: str, write: Callable[[Rig, Path], None]) -> Make:
    def make(folder: Path) -> list[Path]:
        write(_rig(), folder / name)
        return [folder / name]

    return make


def _opencv_yaml(folder: Path) -> list[Path]:
    write_opencv_yaml(_rig(), folder)
    return [folder / "intri.yml", folder / "extri.yml"]


def _aist(folder: Path) -> list[Path]:
    import cv2

    tables = [
        {
            "name": camera.name,
            "size": [camera.image_size[1], camera.image_size[0]],
            "matrix": camera.px_from_cam.tolist(),
            "distortions": [0.0] * 5,
            "rotation": cv2.Rodrigues(camera.rotation.numpy())[0].reshape(-1).tolist(),
            "translation": (camera.translation / 10).tolist(),
        }
        for camera in _cameras()
    ]
    return [_json(folder / "aist.json", tables)]


def _multical(folder: Path) -> list[Path]:
    first = _cameras()[0].name
    document = {
        "cameras": {
            c.name: {
                "model": "standard",
                "image_size": [c.image_size[1], c.image_size[0]],
                "K": c.px_from_cam.tolist(),
                "dist": [[0.0] * 5],
            }
            for c in _cameras()
        },
        "camera_poses": {
            c.name if c.name == first else f"{c.name}_to_{first}": {
                "R": c.rotation.tolist(),
                "T": (c.translation / 1000).tolist(),
            }
            for c in _cameras()
        },
    }
    return [_json(folder / "calibration.json", document)]


_QUALISYS = """<?xml version="1.0" encoding="UTF-8"?>
<calibration created="2020-01-01"><results std-dev="0.9"/><cameras>
{cameras}</cameras></calibration>
"""
_QUALISYS_CAMERA = """<camera active="1" serial="{name}" model="Miqus" viewrotation="0">
<fov_video left="0" top="0" right="1279" bottom="719"/>
<transform x="{x}" y="{y}" z="1000" r11="{c}" r12="{s}" r13="0" r21="-{s}" r22="{c}" r23="0" r31="0" r32="0" r33="1"/>
<intrinsic focalLengthU="70000" skew="0" centerPointU="40960" focalLengthV="70000" centerPointV="23040"
 radialDistortion1="0.1" radialDistortion2="0" tangentalDistortion1="0" tangentalDistortion2="0" radialDistortion3="0"/>
</camera>
"""


def _qualisys(folder: Path) -> list[Path]:
    cameras = "".join(
        _QUALISYS_CAMERA.format(name=100 + i, x=2000.0 * i, y=500.0, c=np.cos(0.3 * i), s=np.sin(0.3 * i) + 0.0)
        for i in range(3)
    )
    path = folder / "session.qca.txt"
    path.write_text(_QUALISYS.format(cameras=cameras))
    return [path]


def _planted(name: str) -> Make:
    """Return what writes a calibration in the layout of a tool, as the tests do."""

    def make(folder: Path) -> list[Path]:
        paths: list[Path] = import_module("calibration_kit").PLANTERS[name](_rig(), folder)
        return paths

    return make


CALIBRATIONS: Mapping[str, Make] = MappingProxyType({
    "rig": _written("rig.json", write_rig),
    "toml": _written("calib.toml", write_toml),
    "opencv-yaml": _opencv_yaml,
    "h36m": _written("h36m.json", write_h36m),
    "multical": _multical,
    "panoptic": _written("panoptic.json", write_panoptic),
    "voxelpose": _written("voxelpose.json", write_voxelpose),
    "aist": _aist,
    "qualisys": _qualisys,
    **{name: _planted(name) for name in ("vicon", "optitrack", "calib_io", "colmap", "biocv", "opencap")},
})


def _json(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def _person(seed: int, count: int = 17) -> list[float]:
    random = np.random.default_rng(seed)
    rows = np.stack(
        (random.uniform(100, 400, count), random.uniform(100, 700, count), random.uniform(0.3, 1, count)), 1
    )
    return [float(value) for value in rows.round(3).reshape(-1)]


def _openpose(folder: Path) -> list[Path]:
    paths = []
    for view in ("cam01", "cam02"):
        for number in range(3):
            people = [{"person_id": [-1], "pose_keypoints_2d": _person(number, 25)}]
            path = folder / f"{view}_json" / f"{view}_{number:012d}_keypoints.json"
            paths.append(_json(path, {"version": 1.3, "people": people}))
    return paths[:3]


def _coco_results(folder: Path) -> list[Path]:
    return [
        _json(
            folder / f"{view}.json",
            [{"image_id": n, "category_id": 1, "keypoints": _person(n), "score": 0.9} for n in range(3)],
        )
        for view in ("cam01", "cam02")
    ][:1]


def _coco_data_set(folder: Path) -> list[Path]:
    document = {
        "images": [{"id": n, "file_name": f"cam01/{n:06d}.jpg"} for n in range(6)],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "keypoints": _person(n)} for n in range(6)],
        "categories": [{"id": 1, "name": "person", "keypoints": [f"joint{k}" for k in range(17)]}],
    }
    document["categories"][0]["keypoints"] = list(import_module("poseharvest.skeleton.definitions").COCO17.joints)
    return [_json(folder / f"cam0{k}.json", document) for k in (1, 2)][:1]


def _mmpose(folder: Path) -> list[Path]:
    def instance(seed: int) -> dict[str, Any]:
        rows = np.array(_person(seed)).reshape(-1, 3)
        return {"keypoints": rows[:, :2].tolist(), "keypoint_scores": rows[:, 2].tolist()}

    moments = [{"frame_id": n + 1, "instances": [instance(n)]} for n in range(3)]
    return [_json(folder / f"cam0{k}.json", {"meta_info": {}, "instance_info": moments}) for k in (1, 2)][:1]


def _tables(write: str, ending: str) -> Make:
    """Return what writes two views in a layout of DeepLabCut or SLEAP, as the tests do."""

    def make(folder: Path) -> list[Path]:
        kit = import_module("keypoint_table_kit")
        names = () if write == "write_sleap" else ([""],)
        return [getattr(kit, write)(folder / f"cam0{k}{ending}", kit.planted(), *names) for k in (1, 2)][:1]

    return make


KEYPOINTS: Mapping[str, Make] = MappingProxyType({
    "openpose": _openpose,
    "coco-results": _coco_results,
    "coco-data-set": _coco_data_set,
    "mmpose": _mmpose,
    "deeplabcut-csv": _tables("write_csv", "DLC_net.csv"),
    "deeplabcut-h5": _tables("write_pandas", "DLC_net.h5"),
    "sleap-h5": _tables("write_sleap", ".analysis.h5"),
})


def _text(name: str, text: str) -> Make:
    def make(folder: Path) -> list[Path]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return [path]

    return make


layout = _text(
    "layout.toml",
    'name = "lab"\njoints = ["nose", "left_shoulder", "right_shoulder", "", "left_hip", "right_hip", "pelvis"]\n'
    'limbs = [["pelvis", "left_hip"], ["pelvis", "right_hip"], ["pelvis", "nose"], ["nose", "left_shoulder"], '
    '["nose", "right_shoulder"]]\nflip_pairs = [["left_hip", "right_hip"], ["left_shoulder", "right_shoulder"]]\n',
)
skeleton = _text(
    "skeleton.toml",
    'name = "fencer"\njoints = ["pelvis", "left_hip", "right_hip"]\n'
    'limbs = [["pelvis", "left_hip"], ["pelvis", "right_hip"]]\nflip_pairs = [["left_hip", "right_hip"]]\n',
)
boxes = _text("boxes.csv", "frame,view,x,y,width,height\n0,cam01,10,20,100,200\n1,cam01,11,20,100,200.5\n")
scene_points = _text(
    "points.csv", "point,x,y,z,view,u,v\ndoor,0,0,0,cam01,412.5,388\ndesk,700,0,400.5,cam01,902.1,401.7\n"
)
settings = _text(
    "capture.toml",
    'calibration = "calib.toml"\nunit = "m"\nviews = ["a", "b"]\nfootage = "v"\ntime_zero = "timestamps"\n'
    'frame_rate = 25.0\nreference = "a"\nturn = 90\non_damage = "drop"\nrotate = 90\nscale = 0.5\n'
    '[names]\na = "cam1"\n[offsets]\na = 0.25\nb = "-3 frames"\n',
)
opensim_motion = _text(
    "a.mot", "Coordinates\nversion=1\nnRows=2\ninDegrees=yes\nendheader\ntime\tknee_angle_r\n0.0\t1.5\n0.1\t-2e1\n"
)
bvh_names = _text("names.toml", 'left_hip = "LThigh"\nright_hip = "RThigh"\n')
option = _text("option.txt", "frame_offset.cam03=1")


def limb_lengths(folder: Path) -> list[Path]:
    """A length of every limb of MPII's skeleton."""
    limbs = import_module("poseharvest.skeleton.definitions").MPII16.limbs
    lines = "".join(f'"{limb.name}" = 250.5\n' for limb in limbs)
    return _text("lengths.toml", f"[limb_lengths_mm]\n{lines}")(folder)


def recalibration(folder: Path) -> list[Path]:
    """A curve of three knots."""
    kit = import_module("poseharvest.selection.recalibration")
    path = folder / "recalibration.json"
    kit.Recalibration(
        sigma_mm=(1.0, 5.0, 9.0), calibrated_mm=(2.0, 6.0, 9.0), level=0.9, num_values=10, fitted_on="x"
    ).write(path)
    return [path]


def truth(suffix: str) -> Make:
    """Positions of two joints in three frames."""

    def make(folder: Path) -> list[Path]:
        import pyarrow as pa
        import pyarrow.csv as pa_csv
        import pyarrow.parquet as pq

        rows = 6
        columns = {"frame": [k // 2 for k in range(rows)], "joint": ["nose", "pelvis"] * 3, "person": [0] * rows}
        table = pa.table({**columns, **{axis: np.arange(rows) * 10.5 for axis in "xyz"}})
        path = folder / f"truth.{suffix}"
        pa_csv.write_csv(table, path) if suffix == "csv" else pq.write_table(table, path)
        return [path]

    return make


def harvest(pattern: str) -> Make:
    """The made-up harvest of the tests."""

    def make(folder: Path) -> list[Path]:
        kit, motion = import_module("harvest_kit"), import_module("poseharvest.motion")
        kit.write_harvest(folder / "harvest", kit.make_records(range(6)), motion=motion.MotionOptions())
        return sorted((folder / "harvest").glob(pattern))

    return make


def reviews(folder: Path) -> list[Path]:
    """Decisions of all kinds about the joints of that harvest."""
    (info,) = harvest("harvest.json")(folder)
    module = import_module("poseharvest.annotations.reviews")
    opened = import_module("poseharvest.annotations.reader").Harvest.open(info.parent)
    writer = module.ReviewWriter(info.parent, opened.info, by="Ada")
    joints, views = opened.skeleton.joints, opened.view_names
    for number, kind in enumerate(("accept", "reject", "move", "undo", "move")):
        pixels = {views[0]: (300.0, 200.0), views[1]: (250.0, 210.0)} if kind == "move" else None
        writer.decide((2, 0, joints[0 if kind == "undo" else number]), kind, pixels)
    writer.close()
    return [module.reviews_path(info.parent)]


def _kit(name: str, function: str, pattern: str) -> Make:
    def make(folder: Path) -> list[Path]:
        getattr(import_module(f"dataset_kits.{name}"), function)(folder)
        return sorted(path for path in folder.glob(pattern) if path.is_file())

    return make


def shelf(pattern: str) -> Make:
    """Shelf in miniature."""
    return _kit("campus_shelf", "shelf", pattern)


def voxelpose_pickle(folder: Path) -> list[Path]:
    """2D predictions of VoxelPose."""
    path = folder / "pred.pkl"
    import_module("dataset_kits.campus_shelf").write_predictions(path, (0, 1, 2))
    return [path]


def panoptic(folder: Path) -> list[Path]:
    """CMU Panoptic in miniature."""
    return _kit("panoptic", "pictures", "**/*.json")(folder)


def football(folder: Path) -> list[Path]:
    """KTH Football in miniature."""
    return _kit("kth_football", "kth_football", "**/*.txt")(folder)[:3]


def pictures(*functions: str) -> Make:
    """MPII or COCO in miniature."""

    def make(folder: Path) -> list[Path]:
        kit = import_module("dataset_kits.pictures")
        written = []
        for function in functions:
            (folder / function).mkdir()
            written.append(getattr(kit, function)(folder / function).annotations)
        return written

    return make


def human36m(function: str, pattern: str) -> Make:
    """Human3.6M in miniature."""
    return _kit("human36m", function, pattern)


def stored_npz(folder: Path) -> list[Path]:
    """The `.npz` of VideoPose3D, not compressed, so that damage reaches the pickle and passes no checksum."""
    path = folder / "data.npz"
    np.savez(path, positions_3d={"S9": {"Posing": np.zeros((2, 32, 3), dtype="f4")}})  # type: ignore[arg-type]
    return [path]


def videos(folder: Path) -> list[Path]:
    """A short film in three containers."""
    kit = import_module("dataset_kits.scene")
    images = [np.full((48, 64, 3), 20 * k, dtype=np.uint8) for k in range(6)]
    paths = [folder / f"film.{suffix}" for suffix in ("mp4", "mkv", "avi", "ts")]
    for path in paths:
        kit.write_video(path, images, 25)
    return paths


def picture_capture(folder: Path) -> list[Path]:
    """A capture of two folders of pictures of several formats."""
    import cv2

    write_rig(Rig(tuple(_cameras()[:2])), folder / "rig.json")
    (folder / "capture.toml").write_text("image_rate = 25\n")
    paths = []
    for camera, suffix in zip(_cameras()[:2], ("png", "jpg"), strict=True):
        image = np.zeros((*camera.image_size, 3), dtype=np.uint8)
        for number in range(2):
            path = folder / "images" / camera.name / f"{number:06d}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image)
            paths.append(path)
    return [*paths, folder / "rig.json", folder / "capture.toml"]


def onnx_model(damaged: str) -> Make:
    """A model of one convolution, with its description."""

    def make(folder: Path) -> list[Path]:
        from onnx import TensorProto, helper, numpy_helper, save

        weight = numpy_helper.from_array(np.zeros((16, 3, 4, 4), dtype=np.float32), "w")
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"], strides=[4, 4]), helper.make_node("Relu", ["y"], ["z"])]
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", 3, 64, 48])],
            [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["B", 16, 16, 12])],
            [weight],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        save(model, folder / "model.onnx")
        (folder / "model.toml").write_text(
            'model = "model.onnx"\nkind = "heatmap"\ninput_size = [64, 48]\nmean = [0, 0, 0]\nstd = [1, 1, 1]\n'
            'white = 1\nchannel_order = "rgb"\nskeleton = "mpii16"\nbias_px = [0.0, 0.0]\nname = "n"\nstride = 4\n'
        )
        return [folder / damaged]

    return make


def _small_hourglass() -> Any:
    networks = import_module("poseharvest.networks.hourglass")
    torch.manual_seed(0)
    return networks.StackedHourglass(networks.HourglassShape(stacks=1, features=8, stem=8, joints=16))


def hourglass_safetensors(folder: Path) -> list[Path]:
    """A small hourglass as `train2d` writes it."""
    files = import_module("poseharvest.learning.loop.checkpoint")
    network = import_module("poseharvest.detectors.network")
    hourglass = import_module("poseharvest.detectors.hourglass")
    text = network.preprocessing_to_json(hourglass.HOURGLASS.preprocessing)
    path = folder / "net.safetensors"
    metadata = {"format": "pt", "detector": "hourglass", network.PREPROCESSING_KEY: text}
    files.write_tensors(_small_hourglass().state_dict(), path, metadata)
    return [path]


def hourglass_torch(folder: Path) -> list[Path]:
    """The same, as PyTorch saves it."""
    path = folder / "net.pth"
    torch.save({"state_dict": _small_hourglass().state_dict()}, path)
    return [path]


def keras(folder: Path) -> list[Path]:
    """EfficientPose's Keras file, filled with zeros."""
    import h5py

    module = import_module("poseharvest.detectors.weights_files")
    network = import_module("poseharvest.networks.efficientpose").EfficientPose()
    state = network.state_dict()
    path = folder / "net.h5"
    with h5py.File(path, "w") as file:
        for keras_name, name in module.efficientpose_names(network):
            shape = tuple(state[name].shape)
            order = (
                ((2, 3, 0, 1) if keras_name.endswith("/depthwise_kernel") else (2, 3, 1, 0))
                if len(shape) == 4
                else None
            )
            stored = tuple(shape[k] for k in order) if order else shape
            layer, leaf = keras_name.split("/")
            file.create_dataset(
                f"model_weights/{layer}/{layer}/{leaf}:0", data=np.zeros(stored, dtype=np.float32), compression="gzip"
            )
    return [path]


_VITPOSE = {
    "backbone_config": {
        "model_type": "vitpose_backbone",
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": [64, 48],
        "patch_size": [16, 16],
        "mlp_ratio": 2,
        "out_indices": [2],
    },
    "num_labels": 17,
    "scale_factor": 4,
}


def vitpose_folder(folder: Path) -> list[Path]:
    """A tiny ViTPose in the form of the transformers library."""
    network = import_module("poseharvest.detectors.vitpose").VitPose(_VITPOSE)
    network.model.save_pretrained(folder)
    return [folder / "config.json", folder / "config.json", folder / "model.safetensors"]


def vitpose_own(folder: Path) -> list[Path]:
    """A tiny ViTPose in our own file."""
    module = import_module("poseharvest.detectors.vitpose")
    network = module.VitPose(_VITPOSE)
    path = folder / "vit.safetensors"
    metadata = {"detector": "vitpose", module.CONFIG_KEY: json.dumps(network.config)}
    import_module("poseharvest.learning.loop.checkpoint").write_tensors(network.state_dict(), path, metadata)
    return [path]


def pose_model(folder: Path) -> list[Path]:
    """A small 3D network as `train3d` writes it."""
    module = import_module("poseharvest.learning.pose3d.pose_model")
    lengths = import_module("poseharvest.skeleton.limb_lengths").LimbLengths
    mpii = import_module("poseharvest.skeleton.definitions").MPII16
    network = module.new_regressor(mpii, input_px=64, features=8, seed=0)
    model = module.PoseModel(network, mpii, lengths({(limb.parent, limb.child): 200.0 for limb in mpii.limbs}))
    path = folder / "weights.safetensors"
    module.write_model(model, path)
    return [path]


def checkpoint(folder: Path) -> list[Path]:
    """A checkpoint of two tensors."""
    module = import_module("poseharvest.learning.loop.checkpoint")
    tensors = {"a": torch.zeros(3)}
    content = module.Checkpoint(tensors, {"random": torch.zeros(4)}, 3, {"seed": 1}, ({"loss": 0.5},), (1.5, 2))
    module.write_checkpoint(content, folder / "checkpoint")
    return [folder / "checkpoint" / name for name in (module.STATE, module.STATE, module.WEIGHTS)]


def shipped(folder: Path) -> list[Path]:
    """Weights with the file that describes them."""
    (folder / "net.safetensors").write_bytes(b"x")
    digest = import_module("poseharvest.detectors.published_weights").sha256_of(folder / "net.safetensors")
    return _text("net.toml", f'sha256 = "{digest}"\nlicence = "MIT"\nrecipe = "x"\npckh = 80.5\n')(folder)


def opensim_setups(folder: Path) -> list[Path]:
    """A folder of set-ups for OpenSim, as far as it is read here: the marker set is damaged."""
    for name in ("Model.osim", "Scaling_Setup_Lab_Coco17.xml", "IK_Setup_Lab_Coco17.xml"):
        (folder / name).write_text("<OpenSimDocument/>", encoding="utf-8")
    markers = "".join(f'<Marker name="{name}"><fixed>true</fixed></Marker>' for name in ("RKnee", "LKnee", "Neck"))
    text = f'<?xml version="1.0" encoding="UTF-8" ?><OpenSimDocument><MarkerSet>{markers}</MarkerSet></OpenSimDocument>'
    return _text("Markers_Coco17.xml", text)(folder)


def bvh(folder: Path) -> list[Path]:
    """A person who lifts an arm."""
    tree = {"Hips": ("", (0, 90, 0)), "Neck": ("Hips", (0, 50, 0)), "Head": ("Neck", (0, 10, 0))}
    for side, x in (("Left", 1), ("Right", -1)):
        tree |= {
            f"{side}UpLeg": ("Hips", (10 * x, 0, 0)),
            f"{side}Leg": (f"{side}UpLeg", (0, -42, 0)),
            f"{side}Foot": (f"{side}Leg", (0, -42, 0)),
            f"{side}Arm": ("Neck", (18 * x, -2, 0)),
            f"{side}ForeArm": (f"{side}Arm", (0, -28, 0)),
            f"{side}Hand": (f"{side}ForeArm", (0, -25, 0)),
        }

    def joint(name: str) -> str:
        parent, offset = tree[name]
        channels = "3 Zrotation Xrotation Yrotation"
        children = "".join(joint(child) for child, (above, _) in tree.items() if above == name)
        inside = children or "End Site\n{\nOFFSET 0 20 0\n}\n"
        place = " ".join(map(str, offset))
        return f"{'JOINT' if parent else 'ROOT'} {name}\n{{\nOFFSET {place}\nCHANNELS {channels}\n{inside}}}\n"

    rows = "\n".join(" ".join("0" for _ in range(3 * len(tree))) for _ in range(3))
    return _text("clip.bvh", f"HIERARCHY\n{joint('Hips')}MOTION\nFrames: 3\nFrame Time: 0.1\n{rows}\n")(folder)


def unit(folder: Path) -> list[Path]:
    """A finished unit of work."""
    module = import_module("poseharvest.storage.finished_units")
    store = module.UnitStore(folder)
    store.ensure(("a", "b"), {"seed": 1}, lambda _: None)
    return [store.path(("a", "b")) / module.RECORD]


def records(folder: Path) -> list[Path]:
    """The small records by which folders are known again."""
    return [
        _json(folder / "provenance.json", {"format": "poseharvest export", "version": 1}),
        _json(folder / "samples.json", {"format": "poseharvest samples", "count": 3}),
        _json(folder / "state.json", {"format": "poseharvest checkpoint", "step": 3}),
    ]


def judged(folder: Path) -> list[Path]:
    """A judgement of two poses."""
    rows = [[1.0, 2.0], [None, 3.0]]
    content = {"num_joints": 2, "frames": [0, 1], "selected": [[1, 0], [0, 1]]}
    return [_json(folder / "judged.json", {**content, **dict.fromkeys(("error_mm", "centred_mm", "det"), rows)})]


def round_result(folder: Path) -> list[Path]:
    """The result of a round of personalisation."""
    name = import_module("poseharvest.learning.personalize.rounds").RESULT
    before, after = ({"disagreement": value, "left_out_disagreement": value / 2} for value in (0.04, 0.03))
    stretches = [{"name": "frames 0 to 7", "before": 0.02, "after": 0.015, "num_poses": 8}]
    comparison = {"before": before, "after": after, "stretches": stretches}
    return [_json(folder / name, {"num_pictures": 3, "num_labels": 40, "comparison": comparison})]


def pickle_of(value: object) -> bytes:
    """Return a value as the standard library pickles it."""
    return pickle.dumps(value, protocol=3)
