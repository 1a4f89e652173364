import math

import pytest

from tools.regression import broken, judge

GOOD = {"mse": 0.010, "mse_low": 0.009, "mse_high": 0.011, "noisy_mse": 0.1, "constant_mse": 0.09}
GOOD |= {"test_digest": "a", "collapsed": False, "device": "x"}


def now(**changes):
    return GOOD | changes


@pytest.mark.parametrize(
    ("mse", "verdict"),
    [(0.0105, "same"), (0.0095, "same"), (0.0111, "worse"), (0.009, "better"), (0.02, "worse")],
)
def test_a_change_beyond_the_tolerance_is_worse_or_better(mse, verdict):
    found = judge("cnn", now(mse=mse), GOOD, tolerance=0.1)
    assert found.verdict == verdict
    assert found.fails == (verdict == "worse")
    assert found.allowed == pytest.approx(0.011)
    assert found.change == pytest.approx(mse / 0.01 - 1)


def test_what_was_not_there_before_is_new():
    found = judge("cnn", now(), None, 0.1)
    assert (found.verdict, found.fails, found.change) == ("new", False, None)


@pytest.mark.parametrize(
    ("base", "difference", "reason"),
    [
        (now(test_digest="b", mse=0.001), "", "other test data (b, now a)"),
        (now(mse=0.001), "epochs 10, now 3", "epochs 10, now 3"),
        (now(mse=math.nan), "", "MSE nan in the base"),
        (None, "no metrics there", "no metrics there"),
    ],
)
def test_what_cannot_be_compared_gets_no_verdict(base, difference, reason):
    found = judge("cnn", now(), base, 0.1, difference=difference)
    assert (found.verdict, found.reason, found.fails) == ("not comparable", reason, False)


def test_a_worse_result_passes_as_far_as_it_is_accepted():
    found = judge("cnn", now(mse=0.0155), GOOD, 0.1, (0.015, "half the filters"))
    assert (found.verdict, found.reason, found.fails) == ("accepted", "half the filters", False)
    found = judge("cnn", now(mse=0.02), GOOD, 0.1, (0.015, "half the filters"))
    assert (found.verdict, found.fails) == ("worse", True)
    assert judge("cnn", now(), GOOD, 0.1, (0.015, "half the filters")).verdict == "same"


@pytest.mark.parametrize(
    ("metrics", "problem"),
    [
        (None, "no metrics"),
        ({}, "mse is missing"),
        (now(mse=None), "mse is None"),
        (now(mse=math.nan), "mse is nan"),
        (now(mse="0.01"), "mse is 0.01"),
        (now(psnr=math.inf), "psnr is inf"),
        (now(collapsed=True), "collapsed"),
        (now(mse=0.095), "no better than a constant image (0.09000)"),
        (now(mse=0.1, constant_mse=0.2), "no better than its noisy input (0.10000)"),
    ],
)
def test_what_is_broken_fails_whatever_it_is_compared_with(metrics, problem):
    assert broken(metrics) == problem
    for base in (GOOD, None):
        found = judge("cnn", metrics, base, 0.1)
        assert (found.verdict, found.reason, found.fails) == ("broken", problem, True)
