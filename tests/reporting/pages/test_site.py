import csv
import io
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import synthetic
from reported import results_of
from scipy import stats

from deeper.errors import DeeperError
from deeper.reporting.charts import all_studies, epochs_and_layers, theme
from deeper.reporting.pages import site
from deeper.reporting.pages.verdict_words import SIGNS
from deeper.schema.results import sealed

SHELF = synthetic.ROOT / "published"
WITH_MARGIN = ("residual-fixes", "not-overfitting")
NAME = "residual_vs_plain"


class Place:
    """A folder of results and a folder of reports."""

    def __init__(self, folder):
        self.results, self.reports = folder / "results", folder / "reports"
        self.results.mkdir()

    def add(self, content):
        path = self.results / f"{content['study']['name']}.json"
        path.write_text(json.dumps(sealed(content)), encoding="utf-8")
        return path

    def add_committed(self, name):
        shutil.copy(synthetic.ROOT / "results" / f"{name}.json", self.results)

    def write(self):
        return site.write(self.results, self.reports, SHELF)

    def text(self, name):
        return (self.reports / name).read_text(encoding="utf-8")

    def metrics(self, claim, study=NAME):
        return json.loads(self.text(f"metrics/{study}/{claim}.json"))

    def files(self):
        return {p.relative_to(self.reports).as_posix(): p.read_bytes() for p in self.reports.rglob("*") if p.is_file()}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A place whose figures are only named, not drawn."""
    names = [f"{chart.name}-{page.name}.svg" for chart in epochs_and_layers.CHARTS for page in theme.THEMES]
    monkeypatch.setattr(all_studies, "draw", lambda studies: [dict.fromkeys(names, b"<svg/>") for _ in studies])
    return Place(tmp_path)


@pytest.fixture(scope="module")
def content():
    return synthetic.results()


@pytest.fixture(scope="module")
def written(tmp_path_factory, content):
    place = Place(tmp_path_factory.mktemp("site"))
    place.add(content)
    place.write()
    return place


@pytest.fixture(scope="module")
def table(content):
    """The trials as a table, gathered without the package's help."""
    rows = [{"arm": t["arm"], "seed": t["seed"], **t["metrics"], **t["time"]} for t in content["trials"]]
    frame = pd.DataFrame(rows)
    frame["generalisation_gap"] = frame.test_error - frame.train_error
    start = [np.log10(trial["gradients"]["start"]) for trial in content["trials"]]
    frame["gradient_imbalance_start"] = [abs(s[: len(s) // 3].mean() - s[-(len(s) // 3) :].mean()) for s in start]
    shares = [trial["probes"]["noise_start"]["value"]["signal_share"] for trial in content["trials"]]
    frame["gradient_signal_start"] = [np.mean(share[: len(share) // 3]) for share in shares]
    return frame


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def rows_with(page, *words):
    return [cells(line) for line in page.splitlines() if line.startswith("|") and all(word in line for word in words)]


def numbers(text):
    return [float(found.replace("−", "-").replace(",", "")) for found in re.findall(r"[+−-]?\d[\d,]*\.?\d*", text)]


def test_the_printed_differences_are_those_of_scipy(written, content, table):
    page, expected = written.text(f"{NAME}.md"), []
    for one in (one for comparisons in content["study"]["claims"].values() for one in comparisons):
        wide = table.pivot(index="seed", columns="arm", values=one["metric"])
        diff = (wide[one["of"]] - wide[one["against"]]).to_numpy()
        low, high = stats.ttest_1samp(diff, 0).confidence_interval(1 - 0.05 / 9)
        scale = 1 if "imbalance" in one["metric"] else 100
        p = stats.ttest_1samp(diff, one.get("margin", 0.0)).pvalue
        expected.append(([scale * x for x in (diff.mean(), low, high)], p))
    printed = [cells(line) for line in page.splitlines() if re.match(r"\| (training|test|gradient|signal).*<br>", line)]
    assert len(printed) == len(expected) == 9
    for row, (effect, p) in zip(printed, expected, strict=True):
        assert numbers(row[2]) == pytest.approx(effect, abs=0.0051)
        assert row[3] == "5"
        assert row[5] == ("as expected" if p < 0.05 / 9 else "open")


def test_the_table_of_arms_is_that_of_pandas(written, table):
    page = written.text(f"{NAME}.md")
    for arm, label in zip(synthetic.ARMS, ("Plain-20", "Plain-56", "ResNet-20", "ResNet-56"), strict=True):
        row = next(row for row in rows_with(page, label) if row[0] == label and len(row) == 7)
        mine = table[table.arm == arm]
        for cell, key, scale in ((row[3], "train_error", 100), (row[4], "test_error", 100), (row[5], "train_s", 1)):
            half = stats.t.ppf(0.975, 4) * mine[key].sem()
            assert numbers(cell) == pytest.approx([scale * mine[key].mean(), scale * half], abs=0.051)
        assert row[6:] == ["5"]


def test_the_index_says_what_the_pages_say(written):
    index, fixes = written.text("README.md"), written.metrics("residual-fixes")
    for claim in synthetic.study()["claims"]:
        (row,) = rows_with(index, f"({NAME}.md#{claim})")
        facts = written.metrics(claim)
        assert SIGNS[facts["verdict"]] in row[1]
        effect, pair = row[2].split("<br>")
        scale = 1 if "decades" in effect else 100
        measured = [scale * facts[key] for key in ("effect", "lower", "upper")]
        assert numbers(effect) == pytest.approx(measured, abs=0.0051)
        said = re.fullmatch(r"<sub>(?:Plain|ResNet)-\d+ − (?:Plain|ResNet)-\d+(; expected: .*)?</sub>", pair)
        assert said[1] == ("; expected: not higher by 1.00 points or more" if claim in WITH_MARGIN else None)
        assert row[4] == "●●○○"
    assert (fixes["verdict"], fixes["seeds"]) == ("cannot tell", 5)
    assert fixes["detectable"] > 0.01


def test_a_share_that_is_taken_from_an_effect_is_named_with_the_effect_without_it(place):
    place.add_committed(NAME)
    place.write()
    (row,) = rows_with(place.text("README.md"), "#residual-fixes)")
    effect, pair = row[2].split("<br>")
    assert pair.startswith("<sub>(ResNet-56 − ResNet-20) − 0.1 × (Plain-56 − Plain-20); ")
    alone = pair.rpartition("; ")[2].removesuffix("</sub>")
    assert alone.startswith("ResNet-56 − ResNet-20 alone +1.51 points [")
    assert alone.removeprefix("ResNet-56 − ResNet-20 alone ") in place.text(f"{NAME}.md")
    assert effect.startswith("training error −0.47 [")


def test_the_answer_is_said_with_its_numbers(written):
    index = written.text("README.md")
    number = re.search(r"1\. \*\*Not by itself: .+?\*\* \(\[(.+?)\]\(residual_vs_plain\.md#degradation", index)[1]
    assert number.startswith("training error, Plain-56 − Plain-20: +")
    effect = written.metrics("degradation")
    assert numbers(number.partition(": ")[2])[0] == pytest.approx(100 * effect["effect"], abs=0.0051)
    assert number.endswith("; 5 seeds")
    fixes = re.search(r"2\. \*\*(.+?)\*\* \(\[(.+?)\]\(residual_vs_plain\.md#residual-fixes", index)
    assert fixes[1].startswith("Shortcuts help a deep network to train; whether")
    mended, alone = fixes[2].split("; ")[:2]
    assert mended.startswith("training error, ResNet-56 − Plain-56: −")
    assert alone.startswith("ResNet-56 − ResNet-20: ")


def words_of(text):
    """Words outside tables, comments and tags."""
    text = re.sub(r"<!--.*?-->|\]\([^)]*\)|<[^>]+>", " ", text, flags=re.DOTALL)
    text = " ".join(line for line in text.splitlines() if not line.startswith("|"))
    return [word for word in text.split() if re.search(r"\w", word)]


@pytest.mark.parametrize("name", ["residual_vs_plain", "transfer", "zoo", "zoo_full"])
def test_a_page_of_the_committed_results_is_short(name, place):
    place.add_committed(name)
    place.write()
    assert len(words_of(place.text(f"{name}.md"))) <= 400
    assert len(words_of(place.text("README.md"))) < 300


def test_every_committed_page_is_short():
    pages = [page for page in (synthetic.ROOT / "reports").rglob("*.md") if page.name != "bench.md"]
    assert len(pages) > 30
    long = {"README.md": 900}  # the ledgers
    lengths = {str(page.relative_to(synthetic.ROOT)): len(words_of(page.read_text())) for page in pages}
    assert {name: count for name, count in lengths.items() if count > long.get(name.rpartition("/")[2], 400)} == {}


def test_the_curves_are_means_over_seeds(written, content):
    rows = list(csv.DictReader(io.StringIO(written.text(f"curves/{NAME}.csv"))))
    assert len(rows) == 4 * 8
    mine = [t["curves"][2]["validation_error"] for t in content["trials"] if t["arm"] == "plain56"]
    (row,) = (row for row in rows if (row["arm"], row["epoch"]) == ("Plain-56", "3"))
    assert float(row["validation_error"]) == pytest.approx(np.mean(mine), abs=1e-6)


def test_every_trial_is_named_and_where_it_ran(written, content):
    page, trials = written.text(f"{NAME}.md"), list(csv.DictReader(io.StringIO(written.text("trials.csv"))))
    assert [row["id"] for row in trials] == [trial["id"] for trial in content["trials"]]
    assert "(trials.csv)" in page
    for fact in (
        "abababababab",
        "torch 2.14.1",
        "Some CPU, 2 cores, 24 GiB, no GPU, Debian 12",
        content["data"]["digest"],
    ):
        assert fact in page


def headings(path):
    """Anchors that GitHub makes of a file's headings."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    return [re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in lines]


def test_links_and_pictures_lead_somewhere(written):
    for page in ("README.md", f"{NAME}.md"):
        for target in re.findall(r'(?:srcset|src)="([^"]+)"|\]\((?!https?:)([^)]+)\)', written.text(page)):
            name, _, anchor = "".join(target).partition("#")
            if name.startswith("../"):
                path = synthetic.ROOT / "reports" / name
                assert not anchor or anchor in headings(path)
            else:
                path = written.reports / name
                assert not anchor or f'<a id="{anchor}"></a>' in written.text(name)
            assert path.is_file()


def test_the_same_results_give_the_same_bytes(written, content, tmp_path):
    again = Place(tmp_path)
    again.add(content)
    again.write()
    assert again.files() == written.files()


def test_no_results_yet(place):
    place.write()
    assert set(place.files()) == {"README.md", "trials.csv"}
    assert "No study has been run yet" in place.text("README.md")
    assert place.text("trials.csv") == ""


def test_a_contradiction_stands_out(place):
    content = synthetic.results(epochs=1)
    for trial in (trial for trial in content["trials"] if trial["arm"] == "resnet56"):
        trial["metrics"] |= {name: trial["metrics"][name] + 0.7 for name in ("train_error", "test_error")}
    place.add(content)
    place.write()
    index = place.text("README.md")
    assert rows_with(index, "#residual-fixes)")[0][1] == "**✗ contradicted**"
    assert "2. **Shortcuts do not mend it: the deeper residual network trains worse too** ([training error" in index
    page = place.text(f"{NAME}.md")
    assert "> - **✗ Contradicted.** ResNet-56 against " in page
    assert "*Claimed: with shortcuts, deeper networks train as well*." in page
    published = "ResNet-18 (A) → ResNet-34 (A): 27.88 → 25.03 % (top-1 val error"
    assert f"does not make the paper wrong. Published: {published}" in page
    found = place.metrics("residual-fixes")
    assert found["effect"] == pytest.approx(0.71, abs=0.02)


def test_parts_that_came_out_in_two_ways_are_said_to_be_mixed(place):
    content = synthetic.results(epochs=1)
    for trial in content["trials"]:
        trial["metrics"]["train_error"] += 0.1 * (trial["arm"] == "resnet56")
    place.add(content)
    place.write()
    index, page = place.text("README.md"), place.text(f"{NAME}.md")
    assert rows_with(index, "#residual-fixes)")[0][1] == "**± mixed**"
    assert "> - **± Mixed.** ResNet-56 against" in page


def test_a_page_shows_what_is_claimed_and_predicted_and_what_must_hold_first(place):
    content, baselines = synthetic.declared()
    place.add(content)
    (place.results / "baselines.json").write_text(json.dumps(baselines))
    place.write()
    text = place.text(f"{NAME}.md")
    for word in ("claimed", "predicted"):
        assert f"| {word} | {synthetic.DECLARED[word]} |" in text
    assert (
        f"| Borders of `residual-fixes` | {synthetic.DECLARED['why']} |"
        in text.partition("## What we had to decide")[2]
    )
    assert rows_with(text, "baseline")[0][2] == "yes"
    assert "on the same pixels logistic regression 40.0 %" in rows_with(text, "baseline", "ResNet-20")[0][1]
    assert rows_with(text, "learning rate", "0.1, tried from 0.05 to 0.2")[0][2] == "yes"
    test, fact = (rows_with(text, f"{label}<br>ResNet-56")[0] for label in ("test error", "parameters"))
    assert (test[1], test[5]) == ("alike, within ±5.00 points", "as expected")
    assert (fact[2], fact[3], fact[4], fact[5]) == ("+583,296 parameters", "a fact", "–", "as expected")
    assert "over the only comparison." in text
    assert rows_with(place.text("README.md"), "#residual-fixes)")[0][1] == "✓ supported"


def test_a_claim_that_cannot_be_tested_says_why(place):
    content, _ = synthetic.declared(tried=("0.1", "0.2"))
    place.add(content)
    place.write()
    index, text = place.text("README.md"), place.text(f"{NAME}.md")
    assert rows_with(index, "#residual-fixes)")[0][1] == "∅"
    assert "> **∅ Not testable here.**" in text
    assert "; not met: baseline and 3 more." in text
    assert "logistic regression on the same pixels: not computed |" in text
    searched = rows_with(text, "learning rate", "tried from 0.1 to 0.2")
    assert [row[2:] for row in searched] == [[], [], ["**no**"], ["**no**"]]


def test_a_diverged_trial_and_a_missing_one_are_named(place):
    content = synthetic.results(seeds=3, epochs=3)
    synthetic.diverge(next(t for t in content["trials"] if (t["arm"], t["seed"]) == ("plain56", 1)))
    content["trials"] = [t for t in content["trials"] if (t["arm"], t["seed"]) != ("resnet20", 2)]
    place.add(content)
    place.write()
    page = place.text(f"{NAME}.md")
    assert "Plain-56 diverged with seed 1 (the loss is not finite in epoch 3)" in page
    assert "counts trials that diverged or did not learn like any other (Plain-56, seed 1)" in page
    assert "ResNet-56 − ResNet-20: seed 2 left out, not every arm has it" in page
    assert rows_with(page, "3 (1 diverged)")[0][0] == "Plain-56"
    assert place.text("trials.csv").count(",diverged,") == 1


def test_one_seed_prints_no_interval_and_tells_nothing(place):
    place.add(synthetic.results(seeds=1, epochs=2))
    place.write()
    page = place.text(f"{NAME}.md")
    assert page.count("| ? cannot tell |") == 5
    assert "nan" not in page.lower()
    assert "[+" not in page
    assert place.metrics("degradation")["lower"] is None


def test_pages_of_a_study_that_is_gone_go_too(place):
    place.add(synthetic.results(seeds=2, epochs=1))
    other = place.add(synthetic.results(seeds=2, epochs=1, name="other"))
    place.write()
    assert {"other.md", "curves/other.csv"} <= set(place.files())
    (place.reports / "bench.md").write_text("a page of someone else", encoding="utf-8")
    other.unlink()
    place.write()
    assert not [name for name in place.files() if "other" in name]
    assert {"bench.md", f"{NAME}.md"} <= set(place.files())
    assert not (place.reports / "figures" / "other").exists()


def test_files_that_are_not_the_reports_stay(place):
    theirs = [place.reports / "figures" / "my-plot.svg", place.reports / "curves" / "mine.csv", place.reports / "a.md"]
    theirs += [place.reports / "figures" / NAME / "notes.tex", place.reports / "figures" / "mine" / "plot.svg"]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine", encoding="utf-8")
    path = place.add(synthetic.results(seeds=2, epochs=1))
    place.write()
    (place.reports / "figures" / NAME / "of-an-earlier-report.svg").write_text("old", encoding="utf-8")
    place.write()
    path.rename(path.parent.parent / "elsewhere.json")
    place.write()
    assert all(path.read_text(encoding="utf-8") == "mine" for path in theirs)
    kept = {path.relative_to(place.reports).as_posix() for path in theirs}
    assert set(place.files()) == {*kept, "README.md", "trials.csv"}


def test_two_studies_are_one_family(place):
    for name in (NAME, "other"):
        place.add(synthetic.results(seeds=2, epochs=1, name=name))
    place.write()
    assert "all 18 comparisons" in place.text(f"{NAME}.md")


def test_a_damaged_file_leaves_the_pages_alone(place):
    path = place.add(synthetic.results(seeds=2, epochs=1))
    place.write()
    before = place.files()
    path.write_text("{", encoding="utf-8")
    with pytest.raises(DeeperError, match=NAME):
        place.write()
    assert place.files() == before


def test_a_recalled_figure_is_marked(place, tmp_path, content):
    header = (SHELF / "cifar.csv").read_text(encoding="utf-8")
    for name in ("cifar.csv", "ablations.csv", "fashion_mnist.csv"):
        (tmp_path / name).write_text((SHELF / name).read_text(encoding="utf-8"), encoding="utf-8")
    recalled = header.replace('Fig. 6 caption",verified', 'Fig. 6 caption",recalled')
    assert recalled != header
    (tmp_path / "cifar.csv").write_text(recalled, encoding="utf-8")
    place.add(content)
    site.write(place.results, place.reports, tmp_path)
    (row,) = rows_with(place.text(f"{NAME}.md"), "plain net, 110 layers")
    assert "*recalled, not checked*" in row[4]


def test_a_zoo_ranks_networks_and_charts_their_costs():
    content = synthetic.results(seeds=3)
    beside = [{"file": "fashion_mnist.csv", "arm": "resnet20", "where": {"architecture": "ResNet-18"}}]
    content["study"] = {**content["study"], "page": "zoo", "published": beside}
    files = site.pages([results_of(content)], synthetic.ROOT / "published")
    text = files["residual_vs_plain.md"].decode()
    rows = [line.split("|")[2].strip() for line in text.splitlines() if line.startswith(("| 1 ", "| 2 ", "| 3 "))]
    assert rows[:3] == ["ResNet-20", "ResNet-56", "Plain-20"]
    assert "accuracy-against-operations-light.svg" in text
    assert rows_with(text, "| ResNet-18 |", "Fashion-MNIST")[0][1] == "5.1 %"
    assert "Error by epoch" not in text
    assert "## Verdicts" in text


def test_a_zoo_of_one_seed_that_answers_to_no_claim_is_held_against_what_was_published():
    content = synthetic.results(seeds=1)
    beside = [
        {"file": "fashion_mnist.csv", "arm": "resnet20", "where": {"architecture": "ResNet-18"}},
        {"file": "fashion_mnist.csv", "arm": "resnet56", "where": {"architecture": "AlexNet"}},
    ]
    content["study"] = {**content["study"], "page": "zoo", "published": beside, "claims": {}}
    for trial in content["trials"]:
        trial["metrics"]["test_error"] = 0.08
        trial.get("settings", {}).pop("optimizer.lr", None)
    text = site.pages([results_of(content)], synthetic.ROOT / "published")["residual_vs_plain.md"].decode()
    told = "1 of 2 networks err less than the published one beside them: ResNet-56 8.00 % (AlexNet, with triplet"
    assert told in text
    assert "The same data set, whole and at its own size, other recipes" in text
    assert "Other data, another scale" not in text
    assert "1 seed an arm tells nothing of other initial weights" in text
    assert "the same learning rate" in text
    assert "Neighbours of one seed each are not told apart" in text
    assert "95 % interval" not in text.split("## Which network")[0]


def zoo_page(content, profile="full"):
    content["study"] = {**content["study"], "page": "zoo"}
    files = site.pages([results_of({**content, "profile": profile})], synthetic.ROOT / "published")
    return files["residual_vs_plain.md"].decode(), set(files)


def elsewhere(content, *arms, **machine):
    """The trials of ``arms`` on another machine, which differs in ``machine``."""
    first = content["environments"][0]
    content["environments"].append({**first, "machine": {**first["machine"], **machine}})
    for trial in content["trials"]:
        trial["environment"] = int(trial["arm"] in arms)


OPERATIONS, TIME = -6, -2  # columns of the zoo's table, from its end


def cheapest(text, column):
    """Whether any cell of a column of costs is bold, which says that no better network costs less."""
    lines = [line.split("|") for line in text.splitlines() if line.startswith(("| 1 ", "| 2 ", "| 3 "))]
    return any("**" in line[column] for line in lines)


def test_times_of_one_kind_of_processor_are_compared_wherever_it_stands():
    content = synthetic.results(seeds=2)
    elsewhere(content, "resnet56", os="Debian 13", cores=4)
    text, files = zoo_page(content)
    assert "figures/residual_vs_plain/accuracy-against-time-light.svg" in files
    assert cheapest(text, TIME)
    assert "different processors" not in text


@pytest.mark.parametrize("machine", [{"cpu": "Another CPU"}, {"gpus": ["Some GPU"]}])
def test_times_of_different_processors_are_not_compared(machine):
    content = synthetic.results(seeds=2)
    elsewhere(content, "resnet56", **machine)
    text, files = zoo_page(content)
    assert "figures/residual_vs_plain/accuracy-against-operations-light.svg" in files
    assert not {name for name in files if "accuracy-against-time" in name}
    assert "accuracy-against-time" not in text
    assert cheapest(text, OPERATIONS)
    assert not cheapest(text, TIME)
    other = next(iter(machine.values()))
    assert f"of different processors (Some CPU; {other if isinstance(other, str) else other[0]})" in text


def test_a_comparison_of_times_of_different_processors_says_so():
    content = synthetic.results(seeds=3)
    elsewhere(content, "resnet56", cpu="Another CPU")
    row = {"metric": "train_s", "of": "resnet56", "against": "resnet20", "expect": "higher"}
    content["study"]["claims"] = {
        "degradation": [row, {**row, "of": "plain56", "against": "plain20"}, {**row, "metric": "test_error"}]
    }
    text, _ = zoo_page(content)
    told = [line for line in text.splitlines() if "which do not compare" in line]
    assert len(told) == 1
    assert "ResNet-56 − ResNet-20: times of different processors (Some CPU; Another CPU)" in told[0]


def test_a_zoo_says_what_its_networks_share_and_what_they_have_for_themselves():
    content = synthetic.results(seeds=1)
    for trial in content["trials"]:
        own = trial["arm"] == "resnet56"
        trial["settings"] = {
            "training.epochs": 6 if own else 8,
            "trainer.precision": "bf16-mixed" if own else "32-true",
        }
    text, _ = zoo_page(content)
    assert "Every network had the same images, batches and schedule, and the same learning rate; what else" in text
    assert "what else it had of its own stands under *differs in*." in text
    assert "| 6 epochs, mixed bfloat16 |" in text
    assert "| 8 epochs, float32 |" in text


def test_a_zoo_whose_networks_differ_in_nothing_else_says_that():
    content = synthetic.results(seeds=1)
    for trial in content["trials"]:
        trial.pop("settings", None)
    text, _ = zoo_page(content)
    assert "the same images, epochs, batches, schedule and precision, and the same learning rate.\n" in text
    assert "of its own" not in text


def test_remarks_of_a_study_stand_first_among_what_cannot_be_told():
    content = synthetic.results(seeds=2)
    content["study"] = {**content["study"], "remarks": ["Whether the moon matters: it was full."]}
    files = site.pages([results_of(content)], synthetic.ROOT / "published")
    text = files["residual_vs_plain.md"].decode()
    assert "## What it cannot tell\n\n- Whether the moon matters: it was full.\n- " in text


def test_a_smoke_run_has_no_verdicts_and_counts_nowhere(place):
    content = {**synthetic.results(seeds=2, epochs=1, name="smoky"), "profile": "smoke"}
    place.add(content)
    place.add(synthetic.results(seeds=2, epochs=1))
    place.write()
    page, index = place.text("smoky.md"), place.text("README.md")
    assert "A smoke run: it measures nothing." in page
    assert "## Verdicts" not in page
    assert "all 9 comparisons" in place.text(f"{NAME}.md")
    assert "smoky.md#" not in index
    assert "(smoky.md) (a smoke run, which measures nothing)" in index
    assert ": 8 trainings, " in index
    metrics = [name.split("/")[1] for name in place.files() if name.startswith("metrics/")]
    assert metrics == [NAME] * 5


def test_the_best_network_beside_a_classifier_is_that_of_all_studies_on_every_page(place):
    content, baselines = synthetic.declared()
    baselines["rows"][0]["test_error"] = 0.001
    content["study"] |= {"page": "zoo"}
    better = synthetic.results(epochs=1, name="better")
    better["study"] |= {"claims": {}, "published": []}
    for trial in better["trials"]:
        trial["metrics"]["test_error"] = 0.0123
    for one in (content, better):
        place.add(one)
    (place.results / "baselines.json").write_text(json.dumps(baselines))
    place.write()
    said = r"no network beats a linear classifier: test error 1\.2 % \(.+ of \*.+\*\), logistic regression 0\.1 %\."
    assert re.search(said, place.text("README.md"))
    assert re.search(said, place.text(f"{NAME}.md"))


def test_what_goes_against_the_lectures_stands_with_the_answer_where_networks_have_learned(place):
    for name in (NAME, "augmentation", "lrn"):
        place.add_committed(name)
    (place.results / "record").mkdir()
    for name in ("separable", "baselines"):
        shutil.copy(synthetic.ROOT / "results" / "record" / f"{name}.json", place.results / "record")
    place.write()
    answer, _, ledger = place.text("README.md").partition("<!-- end of the answer -->")
    [line] = [line for line in answer.splitlines() if line.startswith("- [")]
    assert line.startswith(
        "- [Separable convolutions are far cheaper and as accurate](record/separable.md#separable): **± mixed"
    )
    assert "test error +2.67 points [" in line
    assert line.endswith("(separable − full convolutions; expected: not higher by 1.00 points or more; 8 seeds).")
    [row] = rows_with(ledger, "augmentation.md#augmentation")
    assert "contradicted" in row[1]


def test_an_arm_that_no_claim_compares_stands_beside_the_claims(place):
    place.add_committed("lrn")
    place.write()
    section = place.text("lrn.md").partition("### Beside the claims")[2].partition("\nIntervals are")[0]
    assert "| AlexNet, batch norm. − AlexNet | −2.17 points" in section
    assert "| VGG-11, batch norm. − VGG-11 | −2.22 points" in section
    assert "AlexNet, LRN" not in section


def test_the_answer_of_another_scale_says_so_and_names_the_families(place):
    for name in (NAME, "depth_vs_width"):
        place.add_committed(name)
    place.write()
    index = place.text("README.md")
    assert "3. **After 500 steps on small pictures: for the same number of parameters a wide shallow" in index
    told, still = re.search(r"\(\[(test error, .+?), margin 1\.00; (time of .+?); 8 seeds\]", index).groups()
    assert "16 layers, width 29 − 40 layers, width 16" in told
    assert "16 layers, width 29 − 40 layers, width 16" in still
    assert "several comparisons are made at once: 9 comparisons (1 and 2), 5 comparisons (3)." in index


def test_a_map_of_the_ledger_of_record_stands_below_the_ledger(tmp_path):
    content = synthetic.mapped(seeds=5) | {"profile": "record"}
    claim = {"metric": "test_error", "of": "plain56", "against": "plain20", "expect": "higher", "region": 0.005}
    study = content["study"] | {"statements": {"deeper-is-better": "it is"}, "claims": {"deeper-is-better": [claim]}}
    content["study"] = study | {"published": []}
    place = Place(tmp_path)
    place.add_committed("lrn")
    (place.results / "record").mkdir()
    (place.results / "record" / f"{NAME}.json").write_text(json.dumps(sealed(content)), encoding="utf-8")
    place.write()
    answer, _, rest = place.text("README.md").partition("<!-- end of the answer -->")
    assert "1. **With shortcuts, deeper is better at every width" in answer
    assert f'src="record/figures/{NAME}/error-by-cell-light.svg"' in rest.partition("## The ledger")[2]
