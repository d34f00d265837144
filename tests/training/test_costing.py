"""What a store keeps of a network's cost is all that is counted."""

from dataclasses import fields

from deeper.analysis.cost import Cost
from deeper.training import costing


def test_every_number_that_is_counted_is_kept():
    assert tuple(field.name for field in fields(Cost)) == costing.COSTS
