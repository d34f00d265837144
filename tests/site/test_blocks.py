from deeper.cost.layer_table import LayerCost
from deeper.cost.networks import PaperNetwork
from deeper.site.blocks import DrawnBlock, blocks_of


def test_a_residual_network_is_drawn_stage_by_stage():
    drawn = blocks_of(PaperNetwork("resnet20").layers)
    first, *stages, head = drawn
    assert first == DrawnBlock("convolution", (16, 32, 32))
    assert sum(block.times for block in stages) == 9
    assert stages[0] == DrawnBlock("2 × convolution, addition", (16, 32, 32), 3)
    assert [block.size for block in stages if "padded shortcut" in block.holds] == ["32×16×16", "64×8×8"]
    assert head == DrawnBlock("global pooling, fully connected", (10,))


def test_blocks_that_widen_from_one_to_the_next_are_one_box_with_the_last_size():
    drawn = blocks_of(PaperNetwork("densenet_bc100_k12").layers)
    assert [(block.times, block.size) for block in drawn if "concatenation" in block.holds] == [
        (16, "216×32×32"),
        (16, "300×16×16"),
        (16, "342×8×8"),
    ]


def test_what_runs_in_training_alone_is_said_to():
    assert (
        blocks_of([LayerCost("aux.0", "Conv2d", None), LayerCost("aux.0", "ReLU", None)])[0].size == "in training alone"
    )
