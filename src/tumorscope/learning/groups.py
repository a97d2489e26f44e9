"""The duplicate groups of a data set: what a split must never part.

Thumbnails find most copies in no time; those that were cropped are found by fingerprints, which
takes some ms a slice, so the groups are kept in the user's cache folder.
"""

import logging

import numpy as np
from joblib import Memory

from tumorscope.learning.copies import join_copies
from tumorscope.learning.duplicates import duplicate_groups
from tumorscope.learning.fingerprints import fingerprints
from tumorscope.learning.slice_cache import user_cache_folder

logger = logging.getLogger(__name__)

GROUPS_VERSION = 1  # change it with the rules of `duplicates`, `copies` or `fingerprints`


def groups_of_slices(thumbnails: np.ndarray, views: np.ndarray, digests: list[str]) -> np.ndarray:
    """Number the groups of slices that are copies of one another.

    Args:
        thumbnails: shape (n, 2, 32, 32), uint8, as `learning.duplicates.thumbnails` makes them.
        views: shape (n, 2, 64, 64), uint8, as `learning.fingerprints.wide_views` makes them.
        digests: content digests of the n files.

    Returns:
        shape (n,), integers from 0: equal where the slices are duplicates.
    """
    folder = user_cache_folder() / f"groups-{GROUPS_VERSION}"
    try:
        remembered = Memory(folder, verbose=0).cache(_groups)
    except OSError as error:
        logger.warning("Duplicate groups are not kept in %s: %s.", folder, error)
        remembered = _groups
    return remembered(thumbnails, views, digests)


def _groups(thumbnails: np.ndarray, views: np.ndarray, digests: list[str]) -> np.ndarray:
    groups = duplicate_groups(thumbnails, digests)
    return join_copies(groups, views, fingerprints(views))
