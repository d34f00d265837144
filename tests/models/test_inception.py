import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import PUBLISHED, config

from deeper.cost.count import count
from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.inception import GROUPS, GoogLeNet, InceptionModule, log_mean_probability, window_means

SMALL = {"width": 8, "stem": "small", "in_chans": 1, "num_classes": 5, "auxiliary_grid": 2}


def on_meta(**arguments):
    with torch.device("meta"):
        return GoogLeNet(**arguments)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_counts_without_the_auxiliary_heads_equal_the_published_ones():
    row = PUBLISHED["own/googlenet_orig_noaux"]
    cost = count(on_meta(auxiliary=False), 3, 224)
    assert cost.params == row["parameter count"]
    assert cost.macs == row["multiply-adds (conv + linear)"]
    assert cost.depth == 22


def test_each_auxiliary_head_has_the_layers_of_the_paper():
    """§5: 128 filters of 1×1 on 512 and 528 channels, 1024 units on 4×4 positions, the classifier, all with biases."""
    network = on_meta()
    expected = [(c * 128 + 128) + (16 * 128 * 1024 + 1024) + (1024 * 1000 + 1000) for c in (512, 528)]
    assert [parameters(head) for head in network.heads] == expected
    assert parameters(network) == parameters(on_meta(auxiliary=False)) + sum(expected)
    assert network.auxiliary_weight == 0.3


def test_sizes_of_table_1():
    network = on_meta()
    sizes = []
    for group in network.groups:
        group[-1].register_forward_hook(lambda module, inputs, output: sizes.append(tuple(output.shape[1:])))
    network.forward_features(torch.empty(1, 3, 224, 224, device="meta"))
    assert sizes == [(480, 28, 28), (832, 14, 14), (1024, 7, 7)]


def test_the_naive_module_hands_the_pooled_input_on():
    """A module of 128, 192 and 96 filters on 28×28×256 puts out 672 channels for 854 million multiplications."""
    widths = (128, 64, 192, 64, 96, 64)
    with torch.device("meta"):
        naive, reduced = InceptionModule(256, widths, naive=True), InceptionModule(256, widths)
    assert naive.out_channels == 128 + 192 + 96 + 256
    assert count(naive, 256, 28).macs == 28 * 28 * 256 * (128 + 9 * 192 + 25 * 96)
    assert count(reduced, 256, 28).macs == 28 * 28 * (256 * (128 + 64 + 64 + 64) + 64 * (9 * 192 + 25 * 96))


def test_without_reductions_the_pooled_is_still_projected_and_every_module_is_as_wide():
    with_them, without = (on_meta(reductions=reductions) for reductions in (True, False))
    widths = [[module.out_channels for group in network.groups for module in group] for network in (with_them, without)]
    assert widths[0] == widths[1]
    saved = parameters(with_them) - parameters(without)
    assert saved < 0
    assert count(without, 3, 224).depth == 22 - 9


def test_reductions_save_most_of_the_operations():
    cheap, naive = count(on_meta(), 3, 224), count(on_meta(naive=True), 3, 224)
    assert naive.macs > 5 * cheap.macs
    assert naive.depth == 22 - 9


@pytest.mark.parametrize("length", [14, 28, 7])
def test_window_means_are_the_papers_pooling_at_its_size(length):
    x = torch.randn(2, 3, length, length, dtype=torch.float64)
    means = window_means(window_means(x, 4, 2), 4, 3)
    assert means.shape == (2, 3, 4, 4)
    if length == 14:
        torch.testing.assert_close(means, F.avg_pool2d(x, 5, 3), rtol=0, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(length=st.integers(1, 40), grid=st.integers(1, 6))
def test_window_means_keep_a_constant_and_the_ends(length, grid):
    constant = torch.full((1, 1, length, 1), 3.0, dtype=torch.float64)
    torch.testing.assert_close(window_means(constant, grid, 2), torch.full((1, 1, grid, 1), 3.0, dtype=torch.float64))
    for end in (0, length - 1) if grid > 1 else (0,):
        x = torch.zeros(1, 1, length, 1)
        x[0, 0, end] = 1
        assert window_means(x, grid, 2)[0, 0, 0 if end == 0 else -1] > 0


def test_training_gives_three_logits_and_evaluation_one():
    torch.manual_seed(0)
    network, images = GoogLeNet(**SMALL), torch.randn(2, 1, 12, 12)
    assert [output.shape for output in network(images)] == [(2, 5)] * 3
    assert network.eval()(images).shape == (2, 5)
    alone = GoogLeNet(**SMALL, auxiliary=False)
    assert alone(images).shape == (2, 5)
    assert not [key for key in alone.state_dict() if key.startswith("heads")]


def test_averaging_is_that_of_the_probabilities_and_leaves_training_alone():
    images = torch.randn(4, 1, 12, 12)
    torch.manual_seed(0)
    plain = GoogLeNet(**SMALL)
    averaging = GoogLeNet(**SMALL, average_auxiliary=True)
    averaging.load_state_dict(plain.state_dict())
    torch.manual_seed(1)
    expected = plain(images)
    torch.manual_seed(1)
    assert all(torch.equal(a, b) for a, b in zip(averaging(images), expected, strict=True))
    network = averaging.double().eval()
    features, inside = network._run(images.double())
    outputs = [network.forward_head(features), *(h(m) for h, m in zip(network.heads, inside, strict=True))]
    mean = sum(output.softmax(1) for output in outputs) / 3
    torch.testing.assert_close(network(images.double()).exp(), mean, rtol=1e-12, atol=1e-12)


def test_the_mean_of_one_distribution_is_itself():
    logits = torch.randn(3, 7, dtype=torch.float64) * 50
    torch.testing.assert_close(log_mean_probability((logits, logits)), logits.log_softmax(1), rtol=1e-12, atol=1e-12)


def test_reset_classifier_reaches_the_auxiliary_heads():
    network, images = GoogLeNet(**SMALL).eval(), torch.randn(2, 1, 12, 12)
    network.reset_classifier(3)
    assert torch.equal(network(images), network(images))
    assert [output.shape for output in network.train()(images)] == [(2, 3)] * 3
    network.reset_classifier(0)
    assert network(images).shape == (2, network.num_features)
    network.reset_classifier(4)
    assert [output.shape for output in network(images)] == [(2, 4)] * 3


def test_gates_add_two_maps_a_module_and_nothing_else():
    plain, gated = on_meta(auxiliary=False), on_meta(auxiliary=False, squeeze_excite=16)
    widths = [row[0] + row[2] + row[4] + row[5] for group in GROUPS for row in group]
    extra = sum(2 * c * (c // 16) + c + c // 16 for c in widths)
    assert parameters(gated) - parameters(plain) == extra


def test_batch_normalisation_takes_the_place_of_biases():
    network = on_meta(norm="batch", lrn=False)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == len(convolutions) == 3 + 9 * 6 + 2
    assert all(m.bias is None for m in convolutions)


def test_the_gated_small_form_differs_by_one_setting():
    plain, gated = config("googlenet_small"), config("se_googlenet_small")
    assert {key for key in plain if plain[key] != gated[key]} == {"name", "squeeze_excite"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stem": "big"}, "paper or small"),
        ({"norm": "lrn"}, "none or batch"),
        ({"auxiliary": False, "average_auxiliary": True}, "auxiliary=true"),
    ],
)
def test_impossible_settings_say_what_is_possible(wrong, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.inception.GoogLeNet", "name": "x", **wrong})
