import re
import xml.etree.ElementTree as ElementTree

import pytest

from deeper.cost.networks import PaperNetwork
from deeper.site import branches
from deeper.site.branches import Operation


def drawn(name):
    layers = PaperNetwork(name).layers
    return branches.drawings(layers)


def said(drawing):
    """What a drawing says to those who hear it."""
    return ElementTree.fromstring(drawing.svg).attrib["aria-label"]


def test_a_residual_block_is_two_convolutions_beside_a_shortcut():
    same, wider = drawn("resnet20")
    assert said(same) == "1: 3×3 convolution of the input. 2: 3×3 convolution of 1. 3: sum of the input and 2."
    assert "3: padded shortcut of the input. 4: sum of 2 and 3." in said(wider)
    assert (same.times, same.size, wider.times, wider.size) == (7, "16×32×32", 2, "32×16×16")


def test_an_inception_block_has_four_branches():
    [block] = drawn("googlenet")
    assert block.times == 9
    assert said(block).endswith("7: 1×1 convolution of 6. 8: concatenation of 1 and 3 and 5 and 7.")
    assert "4: 1×1 convolution of the input. 5: 5×5 convolution of 4. 6: 3×3 max pooling of the input." in said(block)


def test_a_gate_multiplies_what_it_is_made_of():
    assert "5: 1×1 convolution of 4. 6: product of 2 and 5. 7: sum of the input and 6." in said(drawn("se_resnet20")[0])


def test_dense_blocks_put_their_input_beside_what_they_make():
    [block] = drawn("densenet_bc100_k12")
    assert block.times == 48
    assert (
        said(block) == "1: 1×1 convolution of the input. 2: 3×3 convolution of 1. 3: concatenation of the input and 2."
    )


def test_cells_of_nasnet_have_two_inputs():
    assert all("the input before" in said(one) for one in drawn("nasnet_a_cifar")[1:])


@pytest.mark.parametrize("name", ["vgg16", "plain20", "lenet5"])
def test_a_row_of_layers_has_no_drawing(name):
    assert drawn(name) == []


def test_groups_and_depth_are_told():
    assert "32 channels in 32 groups" not in drawn("mobilenet_v2")[0].svg
    assert "depthwise convolution" in drawn("mobilenet_v2")[0].svg
    assert "128 channels in 32 groups" in drawn("resnext50_32x4d")[0].svg


@pytest.mark.parametrize("name", ["googlenet", "nasnet_a_cifar", "fractalnet_small", "inception_v4_small"])
def test_no_box_lies_on_another_and_all_is_inside(name):
    for one in drawn(name):
        root = ElementTree.fromstring(one.svg)
        left, top, width, height = map(float, root.attrib["viewBox"].split())
        boxes = [tuple(float(box.attrib[key]) for key in ("x", "y", "width", "height")) for box in root.iter("rect")]
        for number, (x, y, w, h) in enumerate(boxes):
            assert left <= x <= x + w <= left + width
            assert top <= y <= y + h <= top + height
            for to_x, to_y, to_w, to_h in boxes[:number]:
                assert x + w <= to_x or to_x + to_w <= x or y + h <= to_y or to_y + to_h <= y
        points = [
            map(float, pair) for path in root.iter("path") for pair in re.findall(r"(-?\d+) (-?\d+)", path.attrib["d"])
        ]
        assert all(left <= x <= left + width and top <= y <= top + height for x, y in points)


def test_a_drawing_is_the_same_every_time():
    assert drawn("nasnet_a_cifar") == drawn("nasnet_a_cifar")


def test_what_is_said_is_escaped():
    assert "a&lt;b" in branches.svg([Operation(("input",)), Operation(("a<b",), (0,)), Operation(("+",), (0, 1))])
