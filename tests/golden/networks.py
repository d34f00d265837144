"""The networks of the golden trainings: each class and each value of a switch, in the smallest form that has it.

A row is the name of its configuration, the side of its images and what is changed to make it small. A setting that
only says how large a network is (``SIZES``) tells no two networks apart; every other one does.
"""

from collections.abc import Mapping
from typing import Any

Row = tuple[str, int, dict[str, Any]]

SIZES = {
    *("depth", "width", "widths", "widen", "blocks", "layers", "growth", "hidden", "filters", "repeats", "columns"),
    *("stem_width", "stem_channels", "auxiliary_channels", "auxiliary_hidden", "auxiliary_grid", "auxiliary_kernel"),
    *("grid", "in_chans", "num_classes", "halvings", "beside", "sha256"),
}

ALEX = {"widths": [8, 8, 12, 12, 8], "hidden": [16, 16], "num_classes": 10}
VGG = {"width": 4, "hidden": [16, 16], "grid": 2, "num_classes": 10}
VGG_SMALL = {"width": 4, "hidden": [16, 16]}
TEN = {"num_classes": 10}
SMALL = {"depth": 8, "width": 4}
DEEP = {"depth": 11, "width": 4}
LARGE = {"depth": None, "blocks": [1, 1, 1, 2], "width": 4, "num_classes": 10}
DENSE = {"depth": None, "layers": [2, 2, 2], "growth": 4}
MOBILE = {"width": 0.25, "num_classes": 10}

CONVNEXT = {"blocks": [1, 1, 1], "widths": [8, 12, 16]}
REGNET = {"depth": 8, "initial": 8, "slope": 6.0, "multiplier": 2.0, "group_width": 8, "stem_width": 8, **TEN}
VIT = {"width": 16, "depth": 2, "heads": 2, "grid": 6}

CONCATENATED = {
    "pairs": [[["conv_3x3", 0], ["identity", 1]], [["max_3x3", 2], ["separable_3x3", 0]]],
    "combine": ["concatenation", "concatenation"],
}

FORWARD_ALONE = {"inception_v3": 2, "inception_v4": 2, "inception_resnet_v2": 2}  # the size is timm's: so many images

FAMILIES: dict[str, dict[str, Row]] = {
    "lenet": {
        "lenet5": ("lenet5", 12, {}),
        "lenet5 at the paper's size": ("lenet5", 32, {}),
        "lenet5_1998": ("lenet5_1998", 32, {}),
        "lenet5_average": ("lenet5_average", 12, {}),
        "lenet5_sigmoid": ("lenet5_sigmoid", 12, {}),
        "lenet5_tanh": ("lenet5_tanh", 12, {}),
    },
    "alexnet": {
        "alexnet": ("alexnet", 67, ALEX),
        "alexnet, tanh": ("alexnet", 67, {**ALEX, "activation": "tanh"}),
        "alexnet without normalisation": ("alexnet", 67, {**ALEX, "norm": "none"}),
        "alexnet with batch normalisation": ("alexnet", 67, {**ALEX, "norm": "batch"}),
        "alexnet_ungrouped": ("alexnet_ungrouped", 67, ALEX),
        "zfnet": ("zfnet", 67, ALEX),
        "alexnet_small": ("alexnet_small", 12, ALEX),
        "alexnet_small without normalisation": ("alexnet_small", 12, {**ALEX, "norm": "none"}),
        "alexnet_small with batch normalisation": ("alexnet_small", 12, {**ALEX, "norm": "batch"}),
        "alexnet_tanh_small": ("alexnet_tanh_small", 12, ALEX),
        "alexnet_small without dropout": ("alexnet_small", 12, {**ALEX, "dropout": 0.0}),
        "alexnet_tanh_small without dropout": ("alexnet_tanh_small", 12, {**ALEX, "dropout": 0.0}),
        "zfnet_small": ("zfnet_small", 12, ALEX),
    },
    "vgg": {
        "vgg11": ("vgg11", 32, VGG),
        "vgg11_bn": ("vgg11_bn", 32, VGG),
        "vgg11_lrn": ("vgg11_lrn", 32, VGG),
        "vgg16_c": ("vgg16_c", 32, VGG),
        "vgg16 with wide filters": ("vgg16", 32, {**VGG, "kernels": [[3, 3], [3, 3], [7], [7], [7]]}),
        "vgg11_small": ("vgg11_small", 12, VGG_SMALL),
        "vgg11_bn_small": ("vgg11_bn_small", 12, VGG_SMALL),
        "vgg11_lrn_small": ("vgg11_lrn_small", 12, VGG_SMALL),
        "vgg_cells_small": ("vgg_cells_small", 12, VGG_SMALL),
        "vgg_cells_small with wide filters": ("vgg_cells_small", 12, {**VGG_SMALL, "kernels": [[3], [7], [7]]}),
    },
    "nin": {
        "nin": ("nin", 16, {"widths": [[8, 6, 6], [8, 8, 8], [8, 8]]}),
        "nin_imagenet": ("nin_imagenet", 83, {"widths": [[8, 6, 6], [8, 8, 8], [8, 8, 8], [8, 8]], **TEN}),
        "nin_small": ("nin_small", 12, {"widths": [[8, 6, 6], [8, 8, 8], [8, 8]]}),
        "nin_small with batch normalisation": (
            *("nin_small", 12),
            {"widths": [[8, 6, 6], [8, 8, 8], [8, 8]], "norm": "batch"},
        ),
    },
    "inception": {
        "googlenet": ("googlenet", 64, {"width": 4, **TEN}),
        "googlenet without auxiliary heads": ("googlenet", 64, {"width": 4, **TEN, "auxiliary": False}),
        "googlenet with batch normalisation": ("googlenet", 64, {"width": 4, **TEN, "norm": "batch", "lrn": False}),
        "googlenet with gates": (
            *("googlenet", 64),
            {"width": 4, **TEN, "norm": "batch", "lrn": False, "squeeze_excite": 16},
        ),
        "googlenet_naive": ("googlenet_naive", 64, {"width": 4, **TEN}),
        "googlenet_naive_small": ("googlenet_naive_small", 12, {"width": 2}),
        "googlenet_naive_small without auxiliary heads": (
            "googlenet_naive_small",
            12,
            {"width": 2, "auxiliary": False},
        ),
        "googlenet_small": ("googlenet_small", 12, {"width": 4}),
        "googlenet_small without auxiliary heads": ("googlenet_small", 12, {"width": 4, "auxiliary": False}),
        "googlenet_small without reductions and heads": (
            *("googlenet_small", 12),
            {"width": 4, "auxiliary": False, "reductions": False},
        ),
        "googlenet_small that averages its heads": ("googlenet_small", 12, {"width": 4, "average_auxiliary": True}),
        "se_googlenet_small": ("se_googlenet_small", 12, {"width": 4}),
    },
    "inception_factorised": {
        "inception_v3_small": ("inception_v3_small", 12, {"blocks": [1, 1, 1]}),
        "inception_v4_small": ("inception_v4_small", 12, {"blocks": [1, 1, 1]}),
        "inception_v4_small with shortcuts": ("inception_v4_small", 12, {"blocks": [1, 1, 1], "residual": True}),
        "inception_v4_small not factorised": ("inception_v4_small", 12, {"blocks": [1, 1, 1], "factorised": False}),
        "inception_v4_small with gates": ("inception_v4_small", 12, {"blocks": [1, 1, 1], "squeeze_excite": 16}),
        "inception_v4_small with the paper's stem": ("inception_v4_small", 80, {"blocks": [1, 1, 1], "stem": "paper"}),
        "inception_resnet_v2_small": ("inception_resnet_v2_small", 12, {"blocks": [1, 1, 1]}),
        "inception_resnet_v2_small without shortcuts": (
            *("inception_resnet_v2_small", 12),
            {"blocks": [1, 1, 1], "residual": False},
        ),
    },
    "timm_network": {
        "inception_v3": ("inception_v3", 299, TEN),
        "inception_v4": ("inception_v4", 139, TEN),
        "inception_resnet_v2": ("inception_resnet_v2", 107, TEN),
        "timm": ("timm", 32, {"network": "test_resnet"}),
    },
    "residual": {
        "plain20": ("plain20", 12, SMALL),
        "plain18": ("plain18", 32, LARGE),
        "resnet20": ("resnet20", 12, SMALL),
        "resnet20, shortcuts B": ("resnet20", 12, {**SMALL, "shortcut": "B"}),
        "resnet20, shortcuts C": ("resnet20", 12, {**SMALL, "shortcut": "C"}),
        "resnet20, pre-activation": ("resnet20", 12, {**SMALL, "order": "pre"}),
        "resnet20, two levels": ("resnet20", 12, {**SMALL, "levels": 2}),
        "resnet20 without normalisation": ("resnet20", 12, {**SMALL, "norm": False}),
        "resnet20, local response": ("resnet20", 12, {**SMALL, "norm": "lrn"}),
        "resnet20, dropout": ("resnet20", 12, {**SMALL, "dropout": 0.3}),
        "resnet18": ("resnet18", 32, LARGE),
        "resnet18, shortcuts A": ("resnet18", 32, {**LARGE, "shortcut": "A"}),
        "resnet18, shortcuts C": ("resnet18", 32, {**LARGE, "shortcut": "C"}),
        "resnet50": ("resnet50", 32, LARGE),
        "resnet50_small": ("resnet50_small", 12, DEEP),
        "resnet50_small, wider inside": ("resnet50_small", 12, {**DEEP, "branch_width": 5}),
        "resnet50_small, shortcuts A": ("resnet50_small", 12, {**DEEP, "shortcut": "A"}),
        "resnet50_small, stride on 1x1": ("resnet50_small", 12, {**DEEP, "stride_on": "1x1"}),
        "resnet50_small, pre-activation": ("preact_resnet164", 12, DEEP),
        "preact_resnet20": ("preact_resnet20", 12, SMALL),
        "preact_resnet152": ("preact_resnet152", 32, LARGE),
        "preact_resnet18": ("preact_resnet18", 32, LARGE),
        "resnext_small": ("resnext_small", 12, {**DEEP, "branch_width": 2}),
        "resnext_small, concatenated": ("resnext_small", 12, {**DEEP, "branch_width": 2, "branches": "concatenated"}),
        "resnext_small, aggregated": ("resnext_small", 12, {**DEEP, "branch_width": 2, "branches": "aggregated"}),
        "resnext50_32x4d": ("resnext50_32x4d", 32, {**LARGE, "cardinality": 4, "branch_width": 2}),
        "resnet20, last scales at zero": ("resnet20", 12, {**SMALL, "zero_last": True}),
        "resnet20_d": ("resnet20_d", 12, SMALL),
        "resnet50_d": ("resnet50_d", 32, LARGE),
        "resnet50_d, last scales at zero": ("resnet50_d", 32, {**LARGE, "zero_last": True}),
        "ror3_20": ("ror3_20", 12, SMALL),
        "ror3_20, dropped blocks": ("ror3_20", 12, {**SMALL, "survival": 0.5}),
        "se_resnet20": ("se_resnet20", 12, {**SMALL, "squeeze": 4}),
        "se_resnet20 without biases": ("se_resnet20", 12, {**SMALL, "squeeze": 4, "squeeze_bias": False}),
        "se_resnet50": ("se_resnet50", 32, {**LARGE, "squeeze": 4}),
        "se_resnext50_32x4d": ("se_resnext50_32x4d", 32, {**LARGE, "cardinality": 4, "branch_width": 2, "squeeze": 4}),
        "se_resnext_small": ("se_resnext_small", 12, {**DEEP, "branch_width": 2, "squeeze": 4}),
        "stochastic_depth20": ("stochastic_depth20", 12, {"depth": 20, "width": 4}),
        "wrn_small": ("wrn_small", 12, {"width": 4}),
        "wrn_small, dropout": ("wrn_small", 12, {"width": 4, "dropout": 0.3}),
        "wrn_small, not wider": ("wrn_small", 12, {"width": 4, "widen": 1}),
        "wrn_50_2": ("wrn_50_2", 32, {**LARGE, "branch_width": 8}),
    },
    "highway": {
        "highway_small": ("highway_small", 12, {"widths": [4, 6, 8]}),
        "highway_small, dropout": ("highway_small", 12, {"widths": [4, 6, 8], "dropout": 0.3}),
    },
    "densenet": {
        "densenet40_k12": ("densenet40_k12", 12, DENSE),
        "densenet40_k12, dropout": ("densenet40_k12", 12, {**DENSE, "dropout": 0.2}),
        "densenet_small": ("densenet_small", 12, DENSE),
        "densenet_small, dropout": ("densenet_small", 12, {**DENSE, "dropout": 0.2}),
        "densenet121": ("densenet121", 64, {"layers": [2, 2, 2, 2], "growth": 4, "stem_width": 8, **TEN}),
    },
    "fractalnet": {
        "fractalnet_b5c3": ("fractalnet_b5c3", 32, {"widths": [4, 4, 6, 6, 8]}),
        "fractalnet_b5c3, no drop-path": (
            *("fractalnet_b5c3", 32),
            {"widths": [4, 4, 6, 6, 8], "drop_path": 0.0, "global_share": 0.0},
        ),
        "fractalnet_b5c3, its deepest column": ("fractalnet_b5c3", 32, {"widths": [4, 4, 6, 6, 8], "column": 2}),
        "fractalnet_small": ("fractalnet_small", 12, {"widths": [4, 6, 8]}),
        "fractalnet_small, slow statistics": ("fractalnet_small", 12, {"widths": [4, 6, 8], "norm_momentum": 0.01}),
        "fractalnet_small, one column a step": ("fractalnet_small", 12, {"widths": [4, 6, 8], "global_share": 1.0}),
        "fractalnet_small, local paths": (
            *("fractalnet_small", 12),
            {"widths": [4, 6, 8], "global_share": 0.0, "drop_path": 0.5},
        ),
        "fractalnet_small, no drop-path": (
            *("fractalnet_small", 12),
            {"widths": [4, 6, 8], "drop_path": 0.0, "global_share": 0.0},
        ),
        "fractalnet_small, its deepest column": ("fractalnet_small", 12, {"widths": [4, 6, 8], "column": 2}),
    },
    "squeezenet": {
        "squeezenet1_0": ("squeezenet1_0", 48, {"width": 0.125, **TEN}),
        "squeezenet1_1": ("squeezenet1_1", 48, {"width": 0.125, **TEN}),
        "squeezenet_small": ("squeezenet_small", 12, {"width": 0.125}),
        "squeezenet_bypass_small": ("squeezenet_bypass_small", 12, {"width": 0.125}),
        "squeezenet_bypass_small, complex": ("squeezenet_bypass_small", 12, {"width": 0.125, "bypass": "complex"}),
    },
    "mobilenet": {
        "mobilenet_v1": ("mobilenet_v1", 64, MOBILE),
        "mobilenet_v1_full": ("mobilenet_v1_full", 32, {"width": 0.125, **TEN}),
        "mobilenet_v1_small": ("mobilenet_v1_small", 12, {}),
        "mobilenet_v1_small with gates": ("mobilenet_v1_small", 12, {"squeeze_excite": 16}),
        "mobilenet_v1_full_small": ("mobilenet_v1_full_small", 12, {"width": 0.125}),
        "mobilenet_v2": ("mobilenet_v2", 64, MOBILE),
        "mobilenet_v2 without shortcuts": ("mobilenet_v2", 64, {**MOBILE, "residual": False}),
        "mobilenet_v2_small": ("mobilenet_v2_small", 12, {}),
        "mobilenet_v2_small without shortcuts": ("mobilenet_v2_small", 12, {"residual": False}),
        "mobilenet_v2_small, not linear": ("mobilenet_v2_small", 12, {"linear": False}),
        "mobilenet_v2_small, drop-path": ("mobilenet_v2_small", 12, {"drop_path": 0.3}),
        "se_mobilenet_v2_small": ("se_mobilenet_v2_small", 12, {}),
    },
    "efficientnet": {
        "efficientnet_b0": ("efficientnet_b0", 64, {"width": 0.25, "depth": 0.5, **TEN}),
        "efficientnet_small": ("efficientnet_small", 12, {}),
        "efficientnet_small, compound": ("efficientnet_small", 15, {"phi": 1.5}),
    },
    "convnext": {
        "convnext_tiny": ("convnext_tiny", 64, {"blocks": [1, 1, 2, 1], "widths": [8, 12, 16, 24], **TEN}),
        "convnext_small": ("convnext_small", 12, CONVNEXT),
        "convnext_small without scales": ("convnext_small", 12, {**CONVNEXT, "layer_scale": 0.0}),
        "convnext_small, dropped branches": ("convnext_small", 12, {**CONVNEXT, "drop_path": 0.3, "dropout": 0.2}),
    },
    "regnet": {
        "regnet_x_400mf": ("regnet_x_400mf", 64, REGNET),
        "regnet_y_400mf": ("regnet_y_400mf", 64, REGNET),
        "regnet_x_small": ("regnet_x_small", 12, {"width": 0.5, "stem_width": 8}),
        "regnet_y_small": ("regnet_y_small", 12, {"width": 0.5, "stem_width": 8}),
        "regnet_y_small, dropout": ("regnet_y_small", 12, {"width": 0.5, "stem_width": 8, "dropout": 0.2}),
    },
    "mobilenet_v3": {
        "mobilenet_v3_large": ("mobilenet_v3_large", 64, {**MOBILE, "hidden": 32}),
        "mobilenet_v3_s": ("mobilenet_v3_s", 64, {**MOBILE, "hidden": 32}),
        "mobilenet_v3_small": ("mobilenet_v3_small", 12, {"hidden": 32}),
        "mobilenet_v3_small without gates": ("mobilenet_v3_small", 12, {"hidden": 32, "gates": False}),
        "mobilenet_v3_small, dropped branches": ("mobilenet_v3_small", 12, {"hidden": 32, "drop_path": 0.3}),
    },
    "shufflenet_v2": {
        "shufflenet_v2": ("shufflenet_v2", 64, {"widths": [8, 16, 24, 32, 48], "blocks": [2, 2, 2], **TEN}),
        "shufflenet_v2_small": ("shufflenet_v2_small", 12, {"widths": [8, 16, 24, 32, 48]}),
    },
    "xception": {
        "xception": ("xception", 79, {"width": 0.0625, "middle": 2, **TEN}),
        "xception_small": ("xception_small", 12, {"width": 0.0625}),
    },
    "vision_transformer": {
        "vit_s16": ("vit_s16", 64, {"width": 16, "depth": 2, "heads": 2, "grid": 4, **TEN}),
        "vit_small": ("vit_small", 12, {"width": 16, "depth": 2, "heads": 2}),
        "vit_small, learned positions": ("vit_small", 12, {**VIT, "positions": "learned"}),
        "vit_small, a class token": ("vit_small", 12, {**VIT, "class_token": True, "dropout": 0.2}),
    },
    "genetic_cnn": {
        "genetic_cnn_small": ("genetic_cnn_small", 12, {"widths": [4, 6, 8], "hidden": 16}),
    },
    "nasnet": {
        "nasnet_a_cifar": ("nasnet_a_cifar", 16, {"filters": 4, "repeats": 1, "stem_channels": 8}),
        "nasnet_a_large": ("nasnet_a_large", 64, {"filters": 4, "repeats": 1, "stem_channels": 8, **TEN}),
        "nasnet_a_mobile": ("nasnet_a_mobile", 64, {"filters": 4, "repeats": 1, "stem_channels": 8, **TEN}),
        "nasnet_a_small": ("nasnet_a_small", 12, {"filters": 4, "stem_channels": 8}),
        "cells_small": ("cells_small", 12, {"filters": 4, "stem_channels": 8}),
        "nasnet_a_small, a concatenation": (
            "nasnet_a_small",
            12,
            {"filters": 4, "stem_channels": 8, "normal": CONCATENATED},
        ),
    },
}


def signature(config: Mapping[str, Any]) -> tuple:
    """What a configuration is apart from its sizes: its class and its switches.

    Of a number it counts whether it is 0 or 1 or another, of a list which values are in it.
    """
    described = {"name", "form", "_convert_", *SIZES}
    switches = {key: _kind(value) for key, value in config.items() if key not in described}
    return tuple(sorted((key, str(value)) for key, value in switches.items()))


def _kind(value: Any) -> Any:
    if isinstance(value, list):
        return sorted({str(_kind(part) if isinstance(part, list) else part) for part in value})
    if isinstance(value, int | float) and not isinstance(value, bool) and value not in (0, 1):
        return "a number"
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
