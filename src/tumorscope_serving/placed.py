"""Frames made ready to be judged: decoded, framed as slices, and asked whether they are heads."""

from typing import NamedTuple

import numpy as np

from tumorscope_serving.bounds import UnreadableSliceError
from tumorscope_serving.frames import Frames
from tumorscope_serving.heads import Head, find_head
from tumorscope_serving.input_check import why_no_heads
from tumorscope_serving.slices import Placement, place_slice


class PlacedSlice(NamedTuple):
    """A slice of (size, size) uint8, where it lies in its picture, and where the head is there."""

    slice: np.ndarray
    placement: Placement
    head: Head


# A slice, or why there is none.
Placed = PlacedSlice | UnreadableSliceError


def place(frames: Frames, index: int, size: int, framing: str) -> Placed:
    """Decode one frame of a file and frame it as a slice; arguments as of `slices.frame_slice`."""
    try:
        gray = frames.gray(index)
    except UnreadableSliceError as error:
        return error
    head = find_head(gray)
    return PlacedSlice(*place_slice(gray, size, framing, head), head)


def readable(placed: list[Placed]) -> list[PlacedSlice]:
    """Those that are slices, in order."""
    return [one for one in placed if isinstance(one, PlacedSlice)]


def without_other_things(placed: list[Placed]) -> list[Placed]:
    """The same, but for what looks like no slice of a head: in its place the refusal stands.

    The check runs over all of them in one go, and not between decoding one and the next, since its
    code stays in the core's cache then.
    """
    refusals = iter(why_no_heads([one.head for one in readable(placed)]))
    return [
        UnreadableSliceError(why)
        if isinstance(one, PlacedSlice) and (why := next(refusals))
        else one
        for one in placed
    ]
