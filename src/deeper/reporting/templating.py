"""Templates as all pages fill them: a name that is not given is an error, and lines of logic leave none behind."""

import jinja2


def environment(package: str, autoescape: bool = False) -> jinja2.Environment:
    """Of the templates in a package; ``autoescape`` where they make HTML."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=autoescape,
    )
