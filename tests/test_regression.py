import math

import pytest

from denoising.sections import SHOWN
from tools.regression import ROUNDING, broken, judge

GOOD = {"mse": 0.010, "mse_low": 0.009, "mse_high": 0.011, "noisy_mse": 0.1, "constant_mse": 0.09}
GOOD |= {"mse_clipped": 0.007, "psnr": 20.0, "ssim": 0.85, "images": 1000}
GOOD |= {"test_digest": "a", "collapsed": False, "device": "x"}


def now(**changes):
    return GOOD | changes


def with_error(mse, **changes):
    """Good metrics but for another error, in the middle of its interval."""
    return now(mse=mse, mse_low=mse * 0.9, mse_high=mse * 1.1, **changes)


@pytest.mark.parametrize(
    ("mse", "verdict"),
    [(0.0105, "same"), (0.0095, "same"), (0.0111, "worse"), (0.009, "better"), (0.02, "worse")],
)
def test_a_change_beyond_the_tolerance_is_worse_or_better(mse, verdict):
    found = judge("cnn", with_error(mse), GOOD, tolerance=0.1)
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
        (now(mse=0.0), "", "MSE 0.0 in the base"),
        ({}, "", "MSE None in the base"),
        ({"mse": 0.01}, "", "other test data (None, now a)"),
        (None, "no metrics there", "no metrics there"),
    ],
)
def test_what_cannot_be_compared_gets_no_verdict(base, difference, reason):
    found = judge("cnn", now(), base, 0.1, difference=difference)
    assert (found.verdict, found.reason, found.fails) == ("not comparable", reason, False)


def test_a_worse_result_passes_as_far_as_it_is_accepted():
    found = judge("cnn", with_error(0.0155), GOOD, 0.1, (0.015, "half the filters"))
    assert (found.verdict, found.reason, found.fails) == ("accepted", "half the filters", False)
    found = judge("cnn", with_error(0.02), GOOD, 0.1, (0.015, "half the filters"))
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
        (with_error(0.095), "no better than a constant image (0.09000)"),
        (with_error(0.09), "no better than a constant image (0.09000)"),
        (with_error(0.1, constant_mse=0.2), "no better than its noisy input (0.10000)"),
        (now(mse=10**400), f"mse is 1{'0' * (SHOWN - 1)}..."),
        (now(psnr=True), "psnr is True"),
        (now(device=None), "device is None"),
        (now(test_digest=7), "test_digest is 7"),
        (now(collapsed="no"), "collapsed is no"),
        (now(mse=0), "mse is 0, should be over 0"),
        (now(mse=-0.01), "mse is -0.01, should be over 0"),
        (now(mse_clipped=0.0), "mse_clipped is 0, should be over 0"),
        (now(mse_clipped=0.0101), "mse_clipped is 0.01010, over mse 0.01000"),
        (now(mse_low=-0.001), "mse_low is -0.001, should be over 0"),
        (now(ssim=-0.1), "ssim is -0.1, should be 0 .. 1"),
        (now(ssim=1.1), "ssim is 1.1, should be 0 .. 1"),
        (now(mse_low=0.011, mse_high=0.009), "its interval 0.01100 .. 0.00900 is turned round"),
        (now(mse=0.012), "mse is 0.01200, outside its interval 0.00900 .. 0.01100"),
        (now(mse=0.008), "mse is 0.00800, outside its interval 0.00900 .. 0.01100"),
    ],
)
def test_what_is_broken_fails_whatever_it_is_compared_with(metrics, problem):
    assert broken(metrics) == problem
    for base in (GOOD, None):
        found = judge("cnn", metrics, base, 0.1)
        assert (found.verdict, found.reason, found.fails) == ("broken", problem, True)


@pytest.mark.parametrize("key", sorted(GOOD.keys() - {"images", "device"}))
def test_nothing_that_is_measured_may_be_missing(key):
    metrics = {name: value for name, value in GOOD.items() if name != key}
    assert broken(metrics) == f"{key} is missing"


def test_an_interval_without_width_is_whole():
    """One test image has one error, which resampling may sum in another order."""
    assert broken(now(mse_low=0.01, mse_high=0.01)) == ""
    nearly = 0.01 * (1 - ROUNDING / 10)
    assert broken(now(mse_low=nearly, mse_high=nearly)) == ""


def test_a_file_that_cannot_be_read_is_broken():
    found = judge("cnn", None, GOOD, 0.1, unreadable="not valid JSON")
    assert (found.verdict, found.reason, found.fails) == ("broken", "not valid JSON", True)
