"""What a store keeps of a network's cost is all that is counted."""

from dataclasses import fields

from deeper.cost.count import Cost
from deeper.run import costs as costing


def test_every_number_that_is_counted_is_kept():
    assert tuple(field.name for field in fields(Cost)) == costing.COSTS
