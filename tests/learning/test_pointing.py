import numpy as np
import pytest

from tumorscope.learning.pointing import overlaps, peaks_inside, pointing


def case(hot: tuple[int, int], tumor: slice) -> tuple[np.ndarray, np.ndarray]:
    heat = np.zeros((4, 4), np.float32)
    heat[hot] = 1
    mask = np.zeros((16, 16), bool)
    mask[tumor, tumor] = True
    return heat, mask


HIT = case((1, 1), slice(4, 8))
MISS = case((3, 0), slice(4, 8))
HEAT, MASKS = (np.stack(each) for each in zip(HIT, MISS, HIT, strict=True))


def test_the_peak_is_inside_or_not():
    assert peaks_inside(HEAT, MASKS).tolist() == [True, False, True]


def test_overlap_is_that_of_the_hotter_half_with_the_tumor():
    hit, miss, _ = overlaps(HEAT, MASKS)

    assert 0.7 < hit <= 1
    assert miss == 0


def test_only_detected_tumors_that_are_large_enough_count():
    found = pointing(
        HEAT, MASKS, detected=np.array([True, True, True]), diameters_mm=np.array([10.0, 30.0, 9.9])
    )
    missed = pointing(HEAT, MASKS, np.array([True, False, True]), np.array([10.0, 30.0, 9.9]))
    nothing = pointing(HEAT, MASKS, np.zeros(3, bool), np.full(3, 30.0))

    assert found["peak_inside"].value == 0.5
    assert found["peak_inside"].low < 0.5 < found["peak_inside"].high
    assert missed["peak_inside"].value == 1
    assert missed["overlap"].value == pytest.approx(overlaps(HEAT, MASKS)[0])
    assert np.isnan(nothing["peak_inside"].value)
