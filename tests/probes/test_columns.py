import pytest
import torch
from pictures import data, network, validation

from deeper.models.fractalnet import FractalNet
from deeper.models.residual import ResidualNetwork
from deeper.probes import columns


def fractal(**options):
    """A network that has learnt some of the pictures, so that its columns differ."""
    one, (images, labels) = network(FractalNet, columns=3, widths=[4, 8], **options), validation()
    optimizer = torch.optim.Adam(one.parameters(), 0.01)
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(one.train()(images), labels).backward()
        optimizer.step()
    return one.eval()


def error(logits, labels):
    return (logits.argmax(1) != labels).float().mean().item()


def test_each_column_is_the_plain_network_of_its_layers():
    one, (images, labels) = fractal(), validation()
    found = columns.probe(one, data(), seed=0)
    with torch.no_grad():
        assert found["whole"] == pytest.approx(error(one(images), labels))
        plain = [error(one.plain(column)(images), labels) for column in range(3)]
    assert found["columns"] == pytest.approx(plain)
    assert len(set(plain)) > 1
    assert found["convolutions"] == [2, 4, 8]


def test_afterwards_the_network_is_whole_again():
    one, (images, _) = fractal(), validation()
    with torch.no_grad():
        before = one(images)
        columns.probe(one, data(), seed=0)
        assert torch.equal(one(images), before)


@pytest.mark.parametrize(
    ("made", "words"),
    [(lambda: fractal(column=2), "its column 2 alone"), (lambda: ResidualNetwork(8, 4, in_chans=1), "has no columns")],
)
def test_a_network_without_columns_is_refused(made, words):
    with pytest.raises(ValueError, match=words):
        columns.probe(made(), data(), seed=0)
