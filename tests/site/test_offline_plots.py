"""DVC's plots on a page that needs no network."""

import subprocess
import sys


def test_dvc_draws_the_curves_of_a_study_with_the_network_cut(tmp_path):
    template, page = tmp_path / "plots.html", tmp_path / "out" / "index.html"
    subprocess.run([sys.executable, "-m", "deeper.site.offline_plots", template], check=True)
    curves = "reports/curves/activations.csv"
    command = [sys.executable, "-m", "dvc", "plots", "show", curves, "-o", page.parent, "--html-template", template]
    subprocess.run(command, check=True, capture_output=True)
    text = page.read_text()
    assert "<script src=" not in text
    assert "{plot_divs}" not in text
    assert text.count("vegaEmbed('#reports_curves_activations_csv'") == 1
    assert "Training error by epoch" in text
