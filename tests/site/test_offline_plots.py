"""DVC's plots on a page that needs no network."""

import subprocess
import sys


def test_dvc_draws_the_curves_of_a_study_with_the_network_cut(tmp_path):
    template, page = tmp_path / "plots.html", tmp_path / "out" / "index.html"
    subprocess.run([sys.executable, "-m", "deeper.site.offline_plots", template], check=True)
    command = [
        sys.executable,
        "-m",
        "dvc",
        "plots",
        "show",
        "reports/curves",
        "-o",
        page.parent,
        "--html-template",
        template,
    ]
    subprocess.run(command, check=True, capture_output=True)
    text = page.read_text()
    assert "<script src=" not in text
    assert "{plot_divs}" not in text
    assert "vegaEmbed('#reports_curves_activations_csv'" in text
    assert "Training error by epoch" in text
