import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeper.data.targets.multilabel import MOST_CLASSES, mask, unpack

CLASSES = st.sets(st.integers(0, MOST_CLASSES - 1))


@given(CLASSES, CLASSES)
def test_a_mask_says_what_went_into_it(present, difficult):
    row = unpack(np.array([mask(present, difficult)], np.int64), MOST_CLASSES)[0]
    expected = [1 if c in present else -1 if c in difficult else 0 for c in range(MOST_CLASSES)]
    assert row.tolist() == expected


def test_a_class_that_has_no_bit_is_refused():
    with pytest.raises(ValueError, match="0 to 30"):
        mask([31])
