"""Does everything that is promised occur, in both classes alike?"""

from collections import Counter

import numpy as np

from tumorscope.phantom import draw_phantom
from tumorscope.phantom.contrast import CONTRASTS
from tumorscope.phantom.finding import FINDINGS
from tumorscope.phantom.tumor_site import KINDS


def test_every_plane_and_contrast_occurs(pairs):
    planes = Counter(phantom.description["plane"] for phantom, _ in pairs)
    contrasts = Counter(phantom.description["contrast"] for phantom, _ in pairs)

    assert set(planes) == {"axial", "coronal", "sagittal"}
    assert min(planes.values()) > 0.1 * len(pairs)
    assert set(contrasts) == set(CONTRASTS)


def test_every_kind_of_tumor_occurs(pairs, config):
    kinds = Counter(phantom.description["tumor_kind"] for phantom, _ in pairs)
    seed = len(pairs)
    while len(kinds) < len(KINDS) and seed < 3 * len(pairs):
        phantom = draw_phantom(np.random.default_rng(seed), config, tumor=True)
        if phantom.label:
            kinds[phantom.description["tumor_kind"]] += 1
        seed += 1

    assert set(kinds) == {kind.name for kind in KINDS}


def test_every_finding_occurs_in_both_classes(pairs):
    for twin in range(2):
        found = Counter(name for pair in pairs for name in pair[twin].description["findings"])
        assert set(found) == set(FINDINGS)


def test_tumors_reach_from_four_millimetres_to_several_centimetres(pairs):
    diameters = np.array([phantom.description["tumor_diameter_mm"] for phantom, _ in pairs])

    assert diameters.min() < 5
    assert np.mean(diameters < 8) > 0.02
    assert 15 < np.median(diameters) < 35
    assert diameters.max() > 50


def test_pituitary_tumors_grow_only_where_the_plane_shows_the_sella(pairs):
    for phantom, _ in pairs:
        facts = phantom.description
        if facts["tumor_kind"] == "pituitary tumor" and facts["plane"] == "sagittal":
            assert abs(facts["level_mm"]) < 22


def test_some_tumors_are_faint_and_some_shine(pairs):
    contrasts = np.abs([phantom.description["tumor_contrast"] for phantom, _ in pairs])

    assert np.mean(contrasts < 0.15) > 0.05
    assert np.mean(contrasts > 0.4) > 0.1
