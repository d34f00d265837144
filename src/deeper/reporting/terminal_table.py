"""Tables for a terminal."""


def aligned(head: list[str], rows: list[list[str]], left: int, rule_before_last: bool = False) -> str:
    """A table for a terminal: columns of equal width, the first ``left`` of them flush left, the others flush right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = ["-" * width for width in widths]
    lines = [head, rule, *rows[:-1], *([rule] if rule_before_last else []), rows[-1]]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
