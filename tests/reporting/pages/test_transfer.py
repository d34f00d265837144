import json
import re
import shutil
from typing import get_args

import numpy as np
import pytest
import synthetic
import transferred
import yaml
from reported import results_of
from scipy import stats

from deeper.errors import DeeperError
from deeper.fit import scores
from deeper.reporting import load, transfer_tasks
from deeper.reporting.arm_results import arm_results
from deeper.reporting.charts import all_studies, theme
from deeper.reporting.pages import site, transfer, transfer_table
from deeper.reporting.study_scale import scale_of
from deeper.reporting.training_counts import count_trainings
from deeper.schema.results import sealed
from deeper.schema.trial import Mode

MODES = get_args(Mode)
SHELF = synthetic.ROOT / "published"
PICTURE = b"\x89PNG\r\n\x1a\n and the rest of it"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A page's text and all files, from results in a folder; figures are only named."""
    named = ("accuracy-by-pictures", "learning-curves", "accuracy-by-layer", "comparisons", "errors-by-epoch")
    drawn = {f"{name}-{page.name}.svg": b"<svg/>" for name in named for page in theme.THEMES}
    monkeypatch.setattr(all_studies, "draw", lambda studies: [drawn for _ in studies])

    def written(*contents):
        for content in contents:
            path = tmp_path / "results" / f"{content['study']['name']}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(sealed(content)), encoding="utf-8")
        site.write(tmp_path / "results", tmp_path / "reports", SHELF)
        return (tmp_path / "reports" / f"{contents[0]['study']['name']}.md").read_text(encoding="utf-8")

    written.results, written.reports = tmp_path / "results", tmp_path / "reports"
    return written


def cells(line):
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def row(page, start):
    return next(cells(line) for line in page.splitlines() if line.startswith(f"| {start}"))


def section(page, title):
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def numbers(text):
    return [float(found.replace("−", "-")) for found in re.findall(r"[+−-]?\d+\.?\d*", text)]


def gains(page, title):
    return row(page.partition("| gains in points")[2], title)


def errors(content, arm):
    return np.array([t["metrics"]["test_error"] for t in content["trials"] if t["arm"] == arm])


def test_the_lectures_table_is_that_of_scipy(write):
    content = transferred.results(seeds=4)
    page = write(content)
    for target, title in (("clipart", "**Clip art**"), ("typefaces", "**Typefaces**")):
        found = row(page, title)
        assert found[5] == "4"
        own = {mode: errors(content, f"{target}_{mode}_30") for mode in MODES}
        for cell, mode in zip(found[2:5], MODES, strict=True):
            half = stats.t.ppf(0.975, 3) * stats.sem(own[mode])
            assert numbers(cell) == pytest.approx([100 - 100 * own[mode].mean(), 100 * half], abs=0.051)
        pairs = (("finetune", "frozen"), ("frozen", "scratch"), ("finetune", "scratch"))
        for cell, (of, over) in zip(gains(page, title)[1:], pairs, strict=True):
            gain = 100 * (own[over] - own[of])
            low, high = stats.ttest_1samp(gain, 0).confidence_interval(0.95)
            assert numbers(cell) == pytest.approx([gain.mean(), low, high], abs=0.051)


def test_gains_are_paired_by_seed_and_leave_out_seeds_of_one_mode(write):
    content = transferred.results(seeds=4)
    content["trials"] = [t for t in content["trials"] if (t["arm"], t["seed"]) != ("clipart_finetune_30", 1)]
    gain = 100 * (errors(content, "clipart_frozen_30")[[0, 2, 3]] - errors(content, "clipart_finetune_30"))
    assert numbers(gains(write(content), "**Clip art**")[1])[0] == pytest.approx(gain.mean(), abs=0.051)


def test_official_sets_say_that_they_were_not_run_and_how(write):
    page = write(transferred.results())
    assert row(page, "Caltech-101, **not run here**; published")[2:5] == ["*94.5 %*", "*93.3 %*", "*72.6 %*"]
    assert gains(page, "Caltech-101")[1:] == ["*−1.2*", "*+21.9*", "*+20.7*"]
    assert row(page, "CUB-200-2011, **not run here**")[2:] == ["–"] * 4
    assert "Other sets need [a folder](../docs/transfer.md)" in page


def test_an_official_set_of_another_study_is_pointed_to(write):
    page = write(transferred.results(), transferred.results(("cub",), sizes=(None,), name="transfer_cub"))
    assert row(page, "CUB-200-2011, measured in [transfer_cub](transfer_cub.md)")
    own = (write.reports / "transfer_cub.md").read_text(encoding="utf-8")
    assert row(own, "**CUB-200-2011**")[1] == "6 fine classes, accuracy, 150 to 156 training pictures"
    assert "CUB-200-2011, **not run" not in own


def test_an_official_set_that_was_run_has_the_published_row_below(write, monkeypatch):
    monkeypatch.setitem(transferred.TITLES, "cars", ("Stanford Cars", "fine"))
    monkeypatch.setitem(transferred.ERRORS, "cars", transferred.ERRORS["cub"])
    page = write(transferred.results(("cars",)))
    table = [line for line in page.splitlines() if "Stanford Cars" in line and line.startswith("|")]
    assert [cells(line)[0] for line in table[:2]] == ["**Stanford Cars**", "Stanford Cars, published"]
    assert cells(table[1])[2:5] == ["*66.7 %*", "*92.1 %*", "*91.4 %*"]


def test_the_official_sets_are_those_of_the_configuration():
    for one in transfer_table.OFFICIAL:
        path = synthetic.ROOT / "conf" / "transfer" / "target" / f"{one.name}.yaml"
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert [said[key] for key in ("name", "title", "classes", "grain", "metric")] == (
            [one.name, one.title, one.classes, one.grain, one.metric]
        )


def test_modes_and_metrics_are_those_of_training():
    assert tuple(transfer_tasks.MODES) == MODES
    assert set(transfer_tasks.METRICS) == set(scores.METRICS)


def test_published_scores_of_other_sets_and_layers_stand_below(write):
    page = write(transferred.results())
    assert row(page, "Birdsnap")[2:] == ["53.7 %", "75.8 %", "76.1 %", "+22.1", "−22.4", "−0.3"]
    assert row(page, "ZFNet SVM (1)")[1:] == ["44.8 ± 0.7 %", "24.6 ± 0.4 %"]
    assert row(page, "16 networks, 12 datasets → fine-tuned")[1] == "0.96"
    assert not [line for line in section(page, "Beside the published numbers").splitlines() if "Stanford" in line]


def test_layers_stand_from_input_to_output(write):
    content = transferred.results()
    page = section(write(content), "Layer by layer")
    assert row(page, "target set")[1:] == ["stage 1", "stage 3", "stage 11", "last"]
    shown = 100 - 100 * errors(content, "clipart_network.blocks.10").mean()
    assert numbers(row(page, "Clip art")[3])[0] == pytest.approx(shown, abs=0.051)


def test_the_cache_is_set_against_none(write):
    page = section(write(transferred.results()), "What it costs")
    found = row(page, "Clip art")
    assert found[1:3] == ["300", "40.0 s"]
    assert numbers(found[3])[0] == 9.0
    assert found[4] == "5.4 times cheaper"
    assert numbers(found[5])[0] == numbers(found[6])[0] == 31.0


def test_each_arm_says_what_it_was_trained_on(write):
    page = section(write(transferred.results()), "Arms")
    assert row(page, "clipart finetune 1 ")[1:4] == ["6", "12", "0.02"]
    assert row(page, "clipart frozen 30")[1:4] == ["150 to 156", "–", "–"]


def test_confused_classes_are_shown_with_their_pictures(write):
    content = transferred.results()
    strips = write.results / "transfer"
    strips.mkdir(parents=True)
    for label in range(transferred.CLASSES - 1):
        (strips / f"typefaces-{label}.png").write_bytes(PICTURE)
    (strips / "typefaces-0.png").write_bytes(b"no picture")
    (strips / "typefaces.json").write_text("[]")
    page = section(write(content), "Confusions").partition("### Typefaces")[2]
    rows = [cells(line) for line in page.splitlines() if line.startswith("| Typefaces")]
    told = [t["confusion"] for t in content["trials"] if t["arm"] == "typefaces_frozen_30"]
    assert len(rows) == 6
    for one in rows:
        labels = [int(name.split()[-1]) for name in (one[0], one[2])]
        taken = sum(n for found in told for true, guess, n in found["pairs"] if sorted((true, guess)) == labels)
        assert one[4] == f"{taken} of 60"
        for label, cell in zip(labels, (one[1], one[3]), strict=True):
            shown = f'<img src="figures/transfer/typefaces-{label}.png" alt="Typefaces {label}" width="120">'
            assert cell == (shown if label in range(1, 5) else "–")
            assert (write.reports / "figures/transfer" / f"typefaces-{label}.png").exists() == (label in range(1, 5))
    total = sum(numbers(one[4])[0] for one in rows)
    assert row(page, "**these pairs**")[4] == f"**{total:.0f} of 360**"
    mistakes = sum(sum(found["tested"]) - sum(found["right"]) for found in told)
    assert row(page, "**all mistakes**")[4] == f"**{mistakes} of 180**"


def test_without_pictures_the_page_stands(write):
    strips = write.results / "transfer"
    strips.mkdir(parents=True)
    (strips / "clipart-1.png").write_bytes(PICTURE)
    content = transferred.results()
    write(content)
    shutil.rmtree(strips)
    page = write(content)
    assert '<img src="figures/transfer/clipart' not in page
    assert "### Clip art" in page
    assert not list(write.reports.rglob("*.png"))


@pytest.mark.parametrize(
    "asked",
    [
        {"targets": ("typefaces",), "seeds": 1},
        {"modes": ("frozen",), "sizes": (None,), "layers": ()},
        {"modes": ("finetune", "scratch")},
        {"targets": ("cub",), "sizes": (None,), "layers": (), "metric": "map_voc2007"},
    ],
)
def test_a_smaller_study_has_a_page(write, asked):
    content = transferred.results(**asked)
    page = write(content)
    assert "nan" not in page.lower()
    assert len([line for line in page.splitlines() if line.startswith("| **")]) >= len(asked.get("targets", "ab"))
    shown = "Confusions" in page
    assert shown == ("frozen" in asked.get("modes", MODES) and "metric" not in asked)


def test_curves_by_number_of_pictures_may_be_of_another_study(write, monkeypatch):
    few = transferred.results(("clipart", "typefaces"), sizes=(1, 5, 30), layers=(), name="few")
    few["study"]["title"] = "From few pictures"

    def draw(studies):
        sizes = [len({row.transfer.per_class for row in study.results.rows}) for study in studies]
        return [{"accuracy-by-pictures-light.svg": b"<svg/>"} if count > 1 else {} for count in sizes]

    monkeypatch.setattr(all_studies, "draw", draw)
    page = write(transferred.results(sizes=(30,)), few)
    assert 'src="figures/few/accuracy-by-pictures-light.svg"' in page
    assert "from [From few pictures](few.md)." in page
    own = (write.reports / "few.md").read_text(encoding="utf-8")
    assert 'src="figures/few/accuracy-by-pictures-light.svg"' in own
    assert "few.md" not in own


def test_two_pretrained_networks_have_a_row_each(write):
    content = transferred.results(("clipart",))
    other = transferred.results(("clipart",))
    for trial in other["trials"]:
        trial["arm"] += "_b"
        trial["id"] = trial["id"][::-1] + "b"
        trial["transfer"]["backbone"] = "resnet50.a1_in1k"
    content["trials"] += other["trials"]
    content["study"]["arms"] |= {f"{arm}_b": facts for arm, facts in other["study"]["arms"].items()}
    page = write(content)
    rows = [line for line in page.splitlines() if line.startswith("| **Clip art**")]
    assert ["EfficientNet-Lite0" in rows[0], "resnet50.a1_in1k" in rows[1]] == [True, True]
    assert "EfficientNet-Lite0 and resnet50.a1_in1k" in page


def test_a_network_without_weights_is_said_to_have_none(write):
    content = transferred.results(("clipart",))
    for trial in content["trials"]:
        trial["transfer"] |= {"backbone": "resnet18", "pretrained": False}
    page = write(content)
    assert "| network | resnet18, no pretrained weights |" in page
    assert "hub" not in page


def test_a_study_without_claims_has_no_verdicts(write):
    assert "## Verdicts" not in write(transferred.results(("clipart",)))


def test_results_that_are_none_of_transfer_are_refused():
    content = synthetic.results(seeds=1)
    content["study"] = {**content["study"], "page": "transfer"}
    with pytest.raises(DeeperError, match=r"x\.json: arm 'plain20' is none of transfer learning"):
        site.pages([results_of(content)], SHELF)


def test_only_files_beside_each_other_are_results(tmp_path):
    (tmp_path / "transfer").mkdir()
    (tmp_path / "transfer/clipart.json").write_text("[[1, 2]]")
    (tmp_path / "transfer.json").write_text(json.dumps(sealed(transferred.results())), encoding="utf-8")
    assert [one.name for one in load.load(tmp_path)] == ["transfer"]


def test_scale_names_target_sets_and_epochs_of_trained_networks_alone():
    content = transferred.results()
    found = scale_of(results_of(content))
    assert (list(found.data), list(found.epochs)) == (["Clip art", "Typefaces"], [3, 12])
    assert list(found.images) == [6, 150, 153, 156]
    results = results_of(content)
    assert scale_of(results, results.table.rows("typefaces_frozen_30")).brief() == "Typefaces, 150 to 156 of 80×80"


def test_probes_are_counted_among_trainings():
    content = transferred.results()
    counted = count_trainings([results_of(content), results_of(content)])
    assert counted.distinct == len(content["trials"])


def test_statements_of_ones_own_are_no_lectures_and_ask_for_no_other_set(write):
    content = transferred.results(("clipart",), modes=("frozen", "finetune"))
    content["study"]["statements"] = {"tuned": "tuning helps on clip art"}
    compared = {"metric": "test_error", "of": "clipart_finetune_30", "against": "clipart_frozen_30", "expect": "lower"}
    said = {"claimed": "It helps.", "predicted": "By points.", "why": "It does."}
    content["study"]["claims"] = {"tuned": {**said, "comparisons": [compared | {"region": 0.01}]}}
    page = write(content)
    assert "not run here" not in page
    assert "| this study says | Tuning helps on clip art |" in page
    assert "the lectures say" not in page
    index = (write.reports / "README.md").read_text(encoding="utf-8")
    assert "Tuning helps on clip art" in index.partition("## Asked beside the lectures")[2]
    assert "## The ledger" not in index


def test_two_classes_have_no_table_of_pairs_and_one_way_of_training_none_of_gains(write):
    content = transferred.results(("clipart",), modes=("frozen",))
    content["study"]["published"] = []
    page = write(content)
    assert "gains in points" not in page
    assert "## Confusions" in page
    content["targets"]["clipart"]["classes"] = content["targets"]["clipart"]["classes"][:2]
    for trial in content["trials"]:
        trial["confusion"] = {"tested": [5, 5], "right": [4, 4], "pairs": [[0, 1, 1], [1, 0, 1]]}
    assert "## Confusions" not in write(content)


def test_a_study_of_numbers_of_pictures_answers_with_the_best_mode_at_each():
    results = load.read(synthetic.ROOT / "results" / "transfer_pictures.json")
    for task in transfer_tasks.transfer_tasks(results, arm_results(results.table)):
        found = re.findall(r"([a-z-][a-z -]*) \(([^)]+)\)", transfer._best_modes(task))
        told = {int(size): mode for mode, sizes in found for size in re.findall(r"\d+", sizes)}
        assert sorted(told) == [1, 5, 10, 30]
        for size, mode in told.items():
            scores = {one.mode: one.score.mean for one in task.arms if one.per_class == size}
            assert transfer_tasks.MODES[max(scores, key=scores.get)] == mode.strip()
