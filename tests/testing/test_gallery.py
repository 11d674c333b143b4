"""Each bad predictor of the gallery is caught by the right check, and by no other."""

from __future__ import annotations

import pytest
from bad_predictors import GALLERY, Good, Line, NotAModel, UpsideDown

from surrobench.base.process_state import read_settings
from surrobench.testing import predictor_checks
from surrobench.testing.conformance import outcomes


def failed(part: type) -> list[str]:
    return [found.check.name for found in outcomes("predictor", part()) if found.status == "failed"]


@pytest.mark.parametrize("good", [Good, Line])
def test_the_good_ones_pass(good: type) -> None:
    assert [(o.check.name, o.reason) for o in outcomes("predictor", good()) if o.reason] == []


@pytest.mark.slow
@pytest.mark.parametrize("bad", GALLERY, ids=lambda bad: bad.__name__)
def test_it_is_caught_by_the_right_check(bad: type) -> None:
    before = read_settings()
    assert failed(bad) == [GALLERY[bad]]
    assert read_settings() == before


def test_the_gallery_is_large_and_visits_most_checks() -> None:
    assert len(GALLERY) >= 20
    caught = set(GALLERY.values())
    missing = {check.name for check in predictor_checks()} - caught
    assert missing == {"acquisition_functions_work", "joint_candidates_work"}


def test_every_failure_says_why_and_every_check_how_to_mend() -> None:
    assert all(check.remedy for check in predictor_checks())
    for bad in (NotAModel, UpsideDown):
        for found in outcomes("predictor", bad()):
            assert bool(found.reason) is (found.status != "passed")
