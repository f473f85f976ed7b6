"""What comes in, and what is said where it does not fit."""

import numpy as np
import pytest

from lstmlib.checks import check_mask


def test_a_mask_that_fits_is_copied():
    mask = np.array([[True, False, True]])
    checked = check_mask(mask, (1, 3), "TB")
    mask[:] = False
    np.testing.assert_array_equal(checked, [[True, False, True]])


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((2, 3)), "mask must hold booleans, True for a real position; got dtype float64"),
        ([[1, 0, 1], [1, 1, 1]], "mask must hold booleans, .*got dtype int64"),
        (np.ones((3, 2), bool), r"mask must have shape \(T=2, B=3\), got \(3, 2\)"),
        ([True, True, True], r"mask must have shape \(T=2, B=3\), got \(3,\)"),
    ],
)
def test_a_mask_that_does_not_fit_is_told_what_to_be(mask, message):
    with pytest.raises(ValueError, match=message):
        check_mask(mask, (2, 3), "TB")
