"""The page of a sweep of one's own; tests/test_sweep.py has it from the command line."""

from pathlib import Path

import synthetic

from deeper.reporting import own_sweep
from deeper.study.own_sweep import OwnSweep


def page(content):
    """The page of a sweep whose settings are the arms of a results file."""
    table = synthetic.table(content)
    settings = {arm: {"model": arm} for arm in table.arms}
    sweep = OwnSweep(Path("mine.json"), table, ["model"], settings, ["model=plain20,plain56"], len(table.trials))
    return own_sweep._render(own_sweep._page(sweep, own_sweep.rows_of(sweep), [])).decode()


def test_it_names_every_scale_that_there_is():
    content = synthetic.results(seeds=2, epochs=2, name="mine")
    assert "Fashion-MNIST, 5,000 training images of 14×14 pixels, 2 epochs, profile pocket" in page(content)
    for row in content["trials"]:
        row["settings"] = {"data.train_size": 500 if row["arm"] == "plain20" else 5000}
    assert "500 and 5,000 training images (by arm) of 14×14 pixels, 2 epochs" in page(content)


def test_its_differences_have_a_unit_and_what_has_no_interval_is_explained():
    said = page(synthetic.results(seeds=2, epochs=2, name="mine"))
    assert "| difference, points |" in said
    assert "one seed has none, nor has an error of fewer than five seeds" in said
