import json
import sys

import pytest
import torch

from poseharvest.detectors import vitpose
from poseharvest.detectors.network import RunOptions
from poseharvest.detectors.registry import load_detector
from poseharvest.detectors.vitpose import VitPose, vitpose_detector
from poseharvest.errors import DetectorError

TINY = {
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


@pytest.fixture(params=["simple", "classic", "experts"])
def network(request):
    pytest.importorskip("transformers")
    torch.manual_seed(0)
    backbone = TINY["backbone_config"]
    if request.param == "experts":
        backbone = {**backbone, "num_experts": 3, "part_features": 4}
    simple = request.param != "classic"
    return VitPose({**TINY, "backbone_config": backbone, "use_simple_decoder": simple}).eval()


def test_it_gives_heatmaps_of_a_quarter_and_needs_no_torchvision(network):
    detector = vitpose_detector(network, RunOptions())
    assert network(torch.randn(2, 3, 64, 48))[-1].shape == (2, 17, 16, 12)
    assert detector.heatmap_size == (12, 12)
    assert "torchvision" not in sys.modules


def test_a_folder_of_the_library_is_a_detector(network, tmp_path):
    network.model.save_pretrained(tmp_path / "vit")
    loaded = load_detector(tmp_path / "vit")
    named = load_detector("vitpose", weights=tmp_path / "vit")
    pictures = torch.randn(1, 3, 64, 48)
    assert loaded.name == named.name == "vitpose"
    assert torch.equal(loaded.network(pictures)[0], network(pictures)[0])


def test_other_joints_are_named():
    pytest.importorskip("transformers")
    with pytest.raises(DetectorError, match="expected the 17 joints of COCO, got 5"):
        vitpose_detector(VitPose({**TINY, "num_labels": 5}), RunOptions())


def test_a_folder_without_weights_and_a_file_of_another_network_are_named(tmp_path):
    from safetensors.torch import save_file

    (tmp_path / "config.json").write_text(json.dumps(TINY))
    with pytest.raises(DetectorError, match="expected a safetensors file"):
        load_detector("vitpose", weights=tmp_path)
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(DetectorError, match="expected ViTPose, trained here: the file lacks its configuration"):
        load_detector("vitpose", weights=tmp_path / "a.safetensors")


HUB = "somebody/model"
ELSEWHERE = {
    "backbone": ({"backbone": HUB, "use_pretrained_backbone": True}, {}),
    "timm": ({"backbone": HUB, "use_timm_backbone": True}, {}),
    "attention": ({"_attn_implementation": HUB, "attn_implementation": HUB}, {"_attn_implementation": HUB}),
    "code": ({"auto_map": {"AutoModel": f"{HUB}--code.Model"}}, {"auto_map": {"AutoBackbone": f"{HUB}--code.Model"}}),
    "name": ({"_name_or_path": HUB}, {"_name_or_path": HUB}),
}


@pytest.mark.parametrize(("outer", "inner"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_no_configuration_leads_to_a_hub(outer, inner, no_sockets):
    pytest.importorskip("transformers")
    VitPose({**TINY, **outer, "backbone_config": {**TINY["backbone_config"], **inner}})


@pytest.mark.parametrize(
    "change",
    [
        {"backbone_config": None},
        {"backbone_config": "vit"},
        {"backbone_config": {**TINY["backbone_config"], "model_type": "resnet"}},
        {"backbone_config": {**TINY["backbone_config"], "hidden_size": 10**9}},
        {"backbone_config": {**TINY["backbone_config"], "num_hidden_layers": 10**9}},
        {"backbone_config": {**TINY["backbone_config"], "image_size": [10**9, 48]}},
        {"backbone_config": {**TINY["backbone_config"], "hidden_act": "eval"}},
        {"scale_factor": []},
    ],
)
def test_a_configuration_of_another_or_a_giant_network_is_named(change, no_sockets):
    pytest.importorskip("transformers")
    with pytest.raises(DetectorError, match=r"^vitpose: "):
        VitPose({**TINY, **change})


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(vitpose, "import_module", missing)
    with pytest.raises(DetectorError, match=r"vitpose: needs transformers: pip install poseharvest\[vitpose\]"):
        VitPose(TINY)
