import math

import pytest
import torch
from pictures import data, network, validation
from torch.nn import functional as F

from deeper.models.inception import GoogLeNet
from deeper.models.residual import ResidualNetwork
from deeper.probes import auxiliary


def googlenet(**options):
    return network(GoogLeNet, width=4, stem="small", norm="batch", lrn=False, auxiliary_grid=2, **options)


def error(logits, labels):
    return (logits.argmax(1) != labels).float().mean().item()


@pytest.mark.parametrize("averaged", [False, True])
def test_the_heads_alone_and_together(averaged):
    """Training mode without its drops and with the statistics of evaluation shows what each head says."""
    one, (images, labels) = googlenet(average_auxiliary=averaged), validation()
    found = auxiliary.probe(one, data(), seed=0)
    assert one.average_auxiliary is averaged
    one.training = True
    with torch.no_grad():
        heads = one(images)
    together = sum(F.softmax(logits, 1) for logits in heads) / 3
    assert found["main"]["error"] == pytest.approx(error(heads[0], labels))
    assert [one["error"] for one in found["auxiliary"]] == pytest.approx(
        [error(logits, labels) for logits in heads[1:]]
    )
    assert found["averaged"]["error"] == pytest.approx(error(together, labels))
    losses = [F.cross_entropy(logits, labels).item() for logits in heads]
    assert [found["main"]["loss"], *(one["loss"] for one in found["auxiliary"])] == pytest.approx(losses, rel=1e-5)
    assert found["averaged"]["loss"] == pytest.approx(F.nll_loss(together.log(), labels).item(), rel=1e-5)
    assert len({round(loss, 6) for loss in losses}) == 3


def test_numbers_that_are_not_finite_stay_so():
    one = googlenet()
    torch.nn.init.constant_(one.head.fc.weight, math.nan)
    found = auxiliary.probe(one, data(), seed=0)
    assert math.isnan(found["main"]["loss"])
    assert math.isfinite(found["auxiliary"][0]["loss"])


@pytest.mark.parametrize("made", [lambda: googlenet(auxiliary=False), lambda: ResidualNetwork(8, 4, in_chans=1)])
def test_a_network_without_auxiliary_heads_is_refused(made):
    with pytest.raises(ValueError, match="has no auxiliary heads"):
        auxiliary.probe(made(), data(), seed=0)
