import io
import re

import pandas as pd
import pytest
import synthetic
import transferred
from reported import results_of

from deeper.paths import ROOT
from deeper.reporting.trial_table import trial_table


def table(*contents):
    return pd.read_csv(io.BytesIO(trial_table([results_of(content) for content in contents])))


def test_means_of_the_table_are_those_of_the_results():
    content = synthetic.results(seeds=3)
    found = table(content).query("study == 'residual_vs_plain'").groupby("label").test_error.mean()
    errors = [trial["metrics"]["test_error"] for trial in content["trials"] if trial["arm"] == "plain56"]
    assert found["Plain-56"] == pytest.approx(sum(errors) / 3)


def test_a_trial_has_its_settings_and_what_is_its_own():
    content = synthetic.results(seeds=1)
    content["trials"][0]["settings"] = {"data.train_size": 7, "training.epochs": 3, "schedule.factor": 0.5}
    first, second = table(content).iloc[0], table(content).iloc[1]
    assert (first.network, first.images, first.epochs, first.lr) == ("plain20", 7, 3, 0.1)
    assert first.settings == '{"schedule.factor": 0.5}'
    assert (second.images, second.epochs, second.pixels, second.batch_size) == (5000, 8, 14, 64)
    assert second["commit"] == "ab" * 20
    assert second.processor == "Some CPU"


def test_a_number_that_is_not_there_is_an_empty_cell():
    found = table(transferred.results(), synthetic.results(seeds=1))
    frozen = found[found["mode"] == "frozen"]
    assert frozen[["epochs", "lr", "step_ms"]].isna().all().all()
    assert set(frozen.data) == {"clipart", "typefaces"}
    assert found[found.study == "residual_vs_plain"]["mode"].isna().all()


def test_every_column_is_documented():
    section = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").partition("`reports/trials.csv`\n")[2]
    section = section.partition("\n## ")[0]
    heads = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    assert {name for head in heads for name in re.findall(r"`(\w+)`", head)} == set(table(synthetic.results(seeds=1)))
