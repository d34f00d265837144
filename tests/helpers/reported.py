"""Results and arms as the report reads them, from the content of a table."""

import json
from pathlib import Path

from deeper.claims import verdicts as claims
from deeper.reporting.arm_results import arm_results
from deeper.reporting.load import StudyResults
from deeper.reporting.transfer_tasks import transfer_tasks
from deeper.schema.results import StudyTable


def table_of(content):
    """The table with this content, as its file is read."""
    return StudyTable.model_validate_json(json.dumps(content))


def results_of(content, path="x.json"):
    """The results with this content, as if they were read from a file."""
    return StudyResults(Path(path), table_of(content))


def arms_of(content):
    """The arms of a table."""
    return arm_results(table_of(content))


def tasks_of(content):
    """The target sets of a table of transfer learning."""
    results = results_of(content)
    return transfer_tasks(results, arm_results(results.table))


def verdicts_of(content):
    """The verdicts of a study alone."""
    return claims.evaluate([table_of(content)])
