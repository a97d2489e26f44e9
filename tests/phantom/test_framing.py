"""Does a frame show slice and mask in the same way?"""

import numpy as np

from tumorscope.phantom.framing import Frame
from tumorscope.phantom.plane import GRID_SIZE, PIXEL_MM


def frame_of(rows, columns):
    """A frame of 3 x 3 pixels that shows the given rows and columns."""
    row_map, column_map = np.meshgrid(rows, columns, indexing="ij")
    return Frame(column_map.astype(np.float32), row_map.astype(np.float32), (PIXEL_MM, PIXEL_MM))


def test_a_frame_takes_the_pixels_it_names():
    picture = np.arange(GRID_SIZE * GRID_SIZE, dtype=np.float32).reshape(GRID_SIZE, GRID_SIZE)

    framed = frame_of([5, 6, 7], [12, 11, 10]).apply(picture)  # flipped left to right

    assert np.array_equal(framed, picture[5:8, 10:13][:, ::-1])


def test_pixels_beyond_the_grid_are_empty():
    picture = np.ones((GRID_SIZE, GRID_SIZE), np.float32)

    framed = frame_of([-50, 5, 6], [5, 6, 7]).apply(picture)

    assert framed[0].tolist() == [0, 0, 0] and framed[1:].min() == 1


def test_a_frame_knows_what_it_shows():
    seen = frame_of([50, 51, 52], [90, 91, 92]).seen()

    assert seen[51, 91] and not seen[100, 91] and not seen[51, 20]
