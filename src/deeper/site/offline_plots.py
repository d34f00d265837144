"""A page for ``dvc plots show`` that needs no network: DVC's own fetches Vega from the web.

python -m deeper.site.offline_plots FILE      then: dvc plots show --html-template FILE
"""

import sys
from pathlib import Path

from deeper.files import write_bytes

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Deeper's curves</title>
<style>body {{ font-family: sans-serif; display: flex; flex-wrap: wrap; gap: 24px; }}</style>
<script>(() => {{{vega}}})();</script>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


def page() -> str:
    """DVC's template, with Vega as altair's own package has it; DVC fills in ``{plot_divs}``."""
    import vl_convert

    return PAGE.format(vega=vl_convert.javascript_bundle().replace("</script", "<\\/script"))


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(file, page().encode())
