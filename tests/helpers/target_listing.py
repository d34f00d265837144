"""The listing of a small target set, and the settings that it is prepared with."""

from PIL import Image

from deeper.data.pictures import Collection, Picture

SETTINGS = {
    "name": "toys",
    "size": 8,
    "fit": "crop",
    "classes": 2,
    "counts": {"train": 8, "test": 4},
    "reader": {"_target_": "a.b"},
    "packages": [],
    "path": None,
}


def picture(number, part, label, opened=None, group=None):
    def plain():
        return Image.new("RGB", (12, 10), (10 * number, 100 * label, 0))

    return Picture(f"{part}/{number}.png", label, part, group or f"g{number}", opened or plain)


def listing(**replaced):
    parts = ["test"] * 4 + ["train"] * 8
    pictures = [picture(n, part, n % 2, replaced.get(f"p{n}")) for n, part in enumerate(parts)]
    return Collection(["red", "green"], pictures, {"train/odd.txt": "no picture"})
