import random

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from torchvision.transforms import v2

from deeper.data.transforms import (
    COLOUR_DEVIATIONS,
    BrightnessShift,
    ColourShift,
    GoogLeNetCrops,
    GridOfCrops,
    Middle,
    OneOfTenCrops,
    PictureRandAugment,
    PictureTransforms,
    ResizedCrop,
    ShorterSide,
    WholePicture,
)

PICTURE = np.kron(np.random.default_rng(0).integers(0, 256, (15, 20, 3)), np.ones((20, 20, 1))).astype(np.uint8)
TENSOR = torch.from_numpy(PICTURE).permute(2, 0, 1)


def transforms(train, **more):
    return PictureTransforms(train, [Middle(32)], **more)


def test_what_is_drawn_is_a_function_of_seed_epoch_and_picture():
    whole = transforms([ResizedCrop(32), v2.RandomHorizontalFlip(), v2.ColorJitter(0.4, 0.4, 0.4), ColourShift()])
    keys = [(seed, epoch, row) for seed in (0, 1) for epoch in (0, 1) for row in (0, 7)]
    seen = [whole.trained(PICTURE, *key) for key in keys]
    again = [whole.trained(PICTURE, *key) for key in reversed(keys)]
    assert all((one == other).all() for one, other in zip(seen, reversed(again), strict=True))
    assert len({one.tobytes() for one in seen}) == len(keys)


def test_transforms_of_timm_that_draw_from_other_generators_repeat_too():
    from timm.data.auto_augment import rand_augment_transform

    augment = rand_augment_transform("rand-m9-mstd0.5", {"translate_const": 10})
    whole = transforms([Middle(32), v2.ToPILImage(), augment, v2.PILToTensor()])
    one, other, again = (whole.trained(PICTURE, 0, epoch, 5) for epoch in (0, 1, 0))
    assert (one == again).all()
    assert (one != other).any()


def test_a_random_crop_has_its_share_of_the_picture_and_its_shape(monkeypatch):
    boxes = []
    crop = ResizedCrop(16, scale=[0.25, 0.5], ratio=[0.5, 2.0])
    original = crop.box
    crop.box = lambda *arguments: boxes.append(original(*arguments)) or boxes[-1]
    for row in range(300):
        assert transforms([crop]).trained(PICTURE, 0, 0, row).shape == (3, 16, 16)
    top, left, height, width = np.array(boxes).T
    areas, ratios = height * width / (300 * 400), width / height
    assert areas.min() > 0.24
    assert areas.max() < 0.51
    assert ratios.min() > 0.48
    assert ratios.max() < 2.05
    assert areas.std() > 0.05
    assert (top + height).max() <= 300
    assert (left + width).max() <= 400
    assert len(set(top.tolist())) > 50


def test_the_middle_is_torchvisions():
    expected = v2.CenterCrop(224)(v2.Resize(256, antialias=True)(TENSOR))
    assert torch.equal(Middle(224)(TENSOR), expected)
    assert Middle(256, 1.0)(TENSOR).shape == (3, 256, 256)


def test_the_shorter_side_is_between_its_bounds():
    torch.manual_seed(0)
    sides = {tuple(ShorterSide(40, 44)(TENSOR).shape[1:]) for _ in range(60)}
    assert {min(side) for side in sides} == {40, 41, 42, 43, 44}
    assert all(side[1] == pytest.approx(side[0] * 4 / 3, abs=1) for side in sides)


def test_colours_shift_along_their_components_by_their_deviations():
    torch.manual_seed(0)
    grey = torch.full((3, 2, 2), 128, dtype=torch.uint8)
    shifts = torch.stack([ColourShift(1.0, COLOUR_DEVIATIONS)(grey)[:, 0, 0].float() - 128 for _ in range(3000)]) / 255
    directions, deviations, _ = torch.linalg.svd(shifts.T, full_matrices=False)
    assert (deviations / len(shifts) ** 0.5).tolist() == pytest.approx(COLOUR_DEVIATIONS, rel=0.15)
    assert directions[:, 0].abs().tolist() == pytest.approx([0.5675, 0.5808, 0.5836], abs=0.02)
    shifted = ColourShift()(TENSOR).float() - TENSOR.float()
    inside = (TENSOR > 100) & (TENSOR < 150)
    assert all(len(set(shifted[c][inside[c]].tolist())) == 1 for c in range(3))  # one shift for all pixels


def test_one_of_ten_crops_is_each_of_them_as_often():
    torch.manual_seed(0)
    ten = [crop.numpy().tobytes() for crop in v2.TenCrop(200)(TENSOR)]
    drawn = [ten.index(OneOfTenCrops(200)(TENSOR).numpy().tobytes()) for _ in range(400)]
    assert np.bincount(drawn, minlength=10).min() > 20


def test_a_grid_is_five_by_five_and_mirrored():
    views = GridOfCrops(224, 5, [256])(TENSOR)
    scaled = v2.Resize(256, antialias=True)(TENSOR)
    assert views.shape == (50, 3, 224, 224)
    assert torch.equal(views[0], scaled[:, :224, :224])
    assert torch.equal(views[24], scaled[:, -224:, -224:])
    assert torch.equal(views[12], v2.CenterCrop(224)(scaled))
    assert torch.equal(views[25:], views[:25].flip(3))


@pytest.mark.parametrize("turned", [False, True])
def test_the_144_crops_of_googlenet(turned):
    picture = TENSOR.transpose(1, 2) if turned else TENSOR
    views = GoogLeNetCrops()(picture)
    scaled = v2.Resize(256, antialias=True)(picture)
    square = scaled[:, -256:, :256] if turned else scaled[:, :256, -256:]  # the third
    assert views.shape == (144, 3, 224, 224)
    assert torch.equal(views[12:17], torch.stack(v2.FiveCrop(224)(square)))
    assert torch.equal(views[17], v2.Resize((224, 224), antialias=True)(square))
    assert torch.equal(views[72:], views[:72].flip(3))


def test_normalised_pictures_have_the_mean_and_deviation_that_are_asked_for():
    whole = transforms([Middle(8)], mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 1.0))
    white = whole.normalise(torch.full((1, 3, 1, 1), 255, dtype=torch.uint8))
    assert white.flatten().tolist() == pytest.approx([1, 3, 1])


def test_views_are_counted_and_a_plain_configuration_makes_them():
    block = {"_target_": "deeper.data.transforms.Middle", "size": 16}
    ten = [{"_target_": "torchvision.transforms.v2.TenCrop", "size": 12}]
    name = "deeper.data.transforms.PictureTransforms"
    made = instantiate({"_target_": name, "train": [block], "evaluation": [block], "test": [block, *ten]})
    assert made.views == 10
    assert made.tested(PICTURE).shape == (10, 3, 12, 12)
    assert transforms([Middle(8)]).views == 1


def test_whole_pictures_keep_their_shape_at_every_size():
    scales = WholePicture([64, 32])(TENSOR)
    assert [tuple(scale.shape) for scale in scales] == [(2, 3, 64, 85), (2, 3, 32, 42)]
    assert torch.equal(scales[0][0], v2.Resize(64, antialias=True)(TENSOR))
    assert torch.equal(scales[1][1], scales[1][0].flip(2))
    whole = transforms([], test=[WholePicture([64, 32])])
    assert (whole.dense, whole.views) == (True, 4)
    assert [scale.shape for scale in whole.tested(PICTURE)] == [scale.shape for scale in scales]
    assert not transforms([], test=[v2.TenCrop(8)]).dense


def test_a_shift_of_brightness_adds_one_number_to_all_pixels():
    grey = torch.full((3, 4, 5), 128, dtype=torch.uint8)
    shifts = []
    for _ in range(300):
        seen = BrightnessShift(32)(grey).int() - 128
        assert seen.unique().numel() == 1
        shifts.append(int(seen[0, 0, 0]))
    assert -32 <= min(shifts) < -28
    assert 28 < max(shifts) <= 32
    by_brightness = TENSOR.flatten().argsort()
    for _ in range(20):  # what is too bright or too dark is white or black, and does not wrap around
        assert (BrightnessShift(600)(TENSOR).flatten()[by_brightness].int().diff() >= 0).all()


def test_a_grid_has_room_for_its_crops():
    with pytest.raises(ValueError, match="none may be shorter than a crop of size=224"):
        GridOfCrops(224, 5, [256, 200])
    with pytest.raises(ValueError, match="across=1"):
        GridOfCrops(224, 1)


def test_operations_of_the_largest_strength_take_every_picture():
    random.seed(0)
    augment = PictureRandAugment(operations=2, magnitude=10, deviation=0.5)
    picture = TENSOR[:, :16, :16]
    assert all(augment(picture).shape == picture.shape for _ in range(300))  # a posterised one keeps a bit at least
    with pytest.raises(ValueError, match=r"magnitude=7.5: it must be a whole number"):
        PictureRandAugment(magnitude=7.5)
