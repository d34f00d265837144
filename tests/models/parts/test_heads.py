import torch

from deeper.models.parts.heads import ClassifierHead


def test_a_head_without_hidden_layers_is_linear():
    head = ClassifierHead(5, 3, hidden=(), grid=2).double()
    x = torch.randn(4, 5, 2, 2, dtype=torch.float64)
    assert head.width == 20
    torch.testing.assert_close(head(x), x.flatten(1) @ head.fc.weight.T + head.fc.bias)
    assert torch.equal(head(x, pre_logits=True), x.flatten(1))


def test_dropout_is_after_hidden_layers_and_only_in_training():
    head = ClassifierHead(64, 3, hidden=(400,), dropout=0.5)
    x = torch.randn(1, 64, 1, 1)
    shown, dropped = head.eval()(x, pre_logits=True), head.train()(x, pre_logits=True)
    kept = (dropped != 0) & (shown != 0)
    assert 0.3 < kept.sum() / (shown != 0).sum() < 0.7
    torch.testing.assert_close(dropped[kept], 2 * shown[kept])


def test_reset_keeps_the_hidden_layers():
    head = ClassifierHead(4, 3, hidden=(6, 5))
    before = [p.clone() for p in head.hidden.parameters()]
    head.reset(7)
    assert head(torch.randn(2, 4, 1, 1)).shape == (2, 7)
    assert all(torch.equal(a, b) for a, b in zip(before, head.hidden.parameters(), strict=True))
    head.reset(0)
    assert head(torch.randn(2, 4, 1, 1)).shape == (2, 5)
