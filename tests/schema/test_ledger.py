import re

from deeper.schema.ledger import KINDS, ledger

EXACT = """
lenet-params alexnet-conv1 alexnet-params-60m alexnet-params-6m alexnet-input vgg16-params-138m
vgg16-params-1m vgg16-memory three-3x3 conv1x1-fc inception-naive inception-bottleneck conv5x5-bottleneck
googlenet-params separable-cost mobilenet-blocks resnext-forms resnext-cost wrn-1001 densenet-params
squeezenet-params se-cost compound-budget residual-paths
"""
TRAINED = """
degradation residual-fixes not-overfitting vanishing noisy-gradients shortcut-kind preactivation
width-vs-depth wide-dropout cardinality stochastic-depth ensemble-of-shallow auxiliary-heads aux-averaging lrn
small-filters bottleneck-free inception-residual squeeze-excite dense fractal residual-of-residual highway
separable inverted-residual compound-scaling relu max-pool augmentation vgg-pattern depth-enough
model-ensemble accuracy-per-cost fc-features frozen-coarse frozen-fine finetune-wins precompute search-vs-hand
search-vs-random
"""


def test_the_ledger_is_complete():
    assert [claim.id for claim in ledger().values() if claim.kind == "exact"] == EXACT.split()
    assert [claim.id for claim in ledger().values() if claim.kind == "trained"] == TRAINED.split()


def test_every_claim_can_be_printed():
    for claim in ledger().values():
        assert claim.kind in KINDS
        assert claim.statement
        assert not claim.statement.endswith(".")
        assert claim.arxiv is None or re.fullmatch(r"\d{4}\.\d{4,5}", claim.arxiv)
        assert claim.arxiv is None or claim.paper
