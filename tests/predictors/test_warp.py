"""The piecewise-linear map against numerical integration, simulation and finite differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from surrobench.predictors.warp import Warp


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.fixture(scope="module")
def warp() -> Warp:
    rng = np.random.default_rng(0)
    z, y = np.sort(rng.normal(size=9)), np.sort(rng.gamma(0.5, size=9)) * 10.0
    return Warp(torch.tensor(z), torch.tensor(y))


def integrate(function, warp: Warp, mean: float, deviation: float, *extra: float) -> float:
    reach = (mean - 10 * deviation, mean + 10 * deviation)
    breaks = [k for k in (*warp.z.tolist(), *extra) if reach[0] < k < reach[1]]
    edges = [reach[0], *sorted(breaks), reach[1]]
    return sum(quad(function, a, b, epsabs=1e-13)[0] for a, b in itertools.pairwise(edges))


CASES = [(0.0, 1.0), (-3.0, 0.2), (2.5, 0.05), (0.1, 3.0), (8.0, 0.5), (-0.5, 0.4)]


@pytest.mark.parametrize(("mean", "deviation"), CASES)
def test_moments_equal_numerical_integration(warp: Warp, mean: float, deviation: float) -> None:
    def f(z: float) -> float:
        return float(warp(tensor(z)))

    def density(z: float) -> float:
        return float(norm.pdf(z, mean, deviation))

    first = integrate(lambda z: f(z) * density(z), warp, mean, deviation)
    second = integrate(lambda z: (f(z) - first) ** 2 * density(z), warp, mean, deviation)
    got_mean, got_variance = warp.moments(tensor(mean), tensor(deviation))
    assert float(got_mean) == pytest.approx(first, rel=1e-10)
    assert float(got_variance) == pytest.approx(second, rel=1e-9)


def test_moments_with_the_mean_on_a_knot(warp: Warp) -> None:
    at, deviation = warp.z[3:4], tensor(0.3)
    beside = warp.moments(at + 1e-9, deviation)
    for on, near in zip(warp.moments(at, deviation), beside, strict=True):
        torch.testing.assert_close(on, near, rtol=1e-6, atol=0.0)


@pytest.mark.parametrize(("mean", "deviation"), CASES)
@pytest.mark.parametrize("shift", [-2.5, 0.0, 0.7, 6.0])
def test_crps_equals_its_definition(
    warp: Warp, mean: float, deviation: float, shift: float
) -> None:
    z = mean + shift * deviation

    def integrand(t: float) -> float:
        slope = float(warp.slopes[int(torch.searchsorted(warp.z, tensor(t)))])
        return (norm.cdf((t - mean) / deviation) - (t >= z)) ** 2 * slope

    expected = integrate(integrand, warp, mean, deviation, z)
    got = warp.crps(tensor(mean), tensor(deviation), warp(tensor(z)))
    assert float(got) == pytest.approx(expected, rel=1e-8)


def test_crps_equals_simulation(warp: Warp) -> None:
    draws = torch.tensor(np.random.default_rng(1).normal(0.3, 0.8, size=(2, 2_000_000)))
    y = tensor(2.0)
    a, b = warp(draws)
    simulated = float((a - y).abs().mean() - 0.5 * (a - b).abs().mean())
    assert float(warp.crps(tensor(0.3), tensor(0.8), y)) == pytest.approx(simulated, rel=0.01)


def test_inverse_undoes_the_map_everywhere(warp: Warp) -> None:
    z = torch.linspace(-9, 9, 2001, dtype=torch.float64)
    y = warp(z)
    assert torch.all(y.diff() > 0)
    torch.testing.assert_close(warp.inverse(y), z, rtol=0.0, atol=1e-9)
    assert torch.equal(warp(warp.z), warp.y)
    assert torch.equal(warp.inverse(warp.y), warp.z)


def test_tails_follow_the_chord_over_the_outermost_tenth() -> None:
    z = torch.linspace(-3, 3, 101, dtype=torch.float64)
    warp = Warp(z, z.exp())
    chord = (z[-1].exp() - z[-11].exp()) / (z[-1] - z[-11])
    assert float(warp(tensor(5.0)) - warp(tensor(4.0))) == pytest.approx(float(chord))
    small = Warp(z[::25], z[::25].exp())
    chord = (small.y[-1] - small.y[0]) / 6.0
    assert float(small(tensor(-4.0))) == pytest.approx(float(small.y[0] - chord))


def test_inverse_slope_is_the_mean_of_both_sides_at_a_knot() -> None:
    warp = Warp(tensor(0.0, 1.0, 2.0), tensor(0.0, 1.0, 5.0))
    torch.testing.assert_close(
        warp.inverse_slope(tensor(0.5, 1.0, 3.0)), tensor(1.0, (1 + 0.25) / 2, 0.25)
    )


def test_a_single_knot_is_a_shift() -> None:
    warp = Warp(tensor(0.0), tensor(0.7))
    torch.testing.assert_close(warp(tensor(-2.0, 0.0, 3.0)), tensor(-1.3, 0.7, 3.7))
    mean, variance = warp.moments(tensor(1.0), tensor(2.0))
    torch.testing.assert_close(mean, tensor(1.7))
    torch.testing.assert_close(variance, tensor(4.0))


def test_extreme_slopes_keep_the_variance_positive() -> None:
    warp = Warp(tensor(-1.0, 0.0, 1.0, 2.0), tensor(-1e9, 0.0, 1e-9, 2e-9))
    _, variance = warp.moments(tensor(1.5, 1.5, -1.0), tensor(1e-3, 1e-9, 1.0))
    assert torch.all(variance > 0)


def test_gradients_of_the_moments(warp: Warp) -> None:
    mean = tensor(-0.4, 0.2, 2.0).requires_grad_()
    deviation = tensor(0.5, 1.0, 0.1).requires_grad_()
    assert torch.autograd.gradcheck(warp.moments, (mean, deviation))


def test_many_points_are_the_same_as_one_by_one(warp: Warp) -> None:
    mean = torch.linspace(-3, 3, 20_000, dtype=torch.float64).reshape(-1, 2)
    whole = warp.moments(mean, torch.ones_like(mean))
    part = warp.moments(mean[-1], torch.ones_like(mean[-1]))
    for a, b in zip(whole, part, strict=True):
        torch.testing.assert_close(a[-1], b, rtol=1e-12, atol=0.0)


def test_no_points_are_no_result(warp: Warp) -> None:
    empty = torch.zeros(0, dtype=torch.float64)
    assert [part.shape for part in warp.moments(empty, empty)] == [(0,), (0,)]
    assert warp.crps(empty, empty, empty).shape == (0,)


@pytest.mark.parametrize(
    ("z", "y"),
    [
        ((0.0, 1.0), (1.0, 1.0)),
        ((1.0, 0.0), (0.0, 1.0)),
        ((0.0,), (0.0, 1.0)),
        ((), ()),
        ((0.0, float("nan")), (0.0, 1.0)),
        ((0.0, 1.0), (-1.7e308, 1.7e308)),
    ],
)
def test_bad_knots_are_refused(z: tuple[float, ...], y: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="knots"):
        Warp(tensor(*z), tensor(*y))


def test_knots_closer_than_targets_resolve_are_refused() -> None:
    z, y = tensor(-1.0, 0.0, 1.0), tensor(90.0, 90.0 + 1e-10, 91.0)
    with pytest.raises(ValueError, match="merge"):
        Warp(z, y, closest=1e-9)
    assert Warp(z, y, closest=1e-11).closest == 1e-11


def test_what_is_as_close_to_a_knot_as_targets_resolve_lies_on_it() -> None:
    warp = Warp(tensor(0.0, 1.0, 2.0), tensor(0.0, 1.0, 5.0), closest=1e-9)
    on, beside = warp.inverse_slope(tensor(1.0)), warp.inverse_slope(tensor(1 - 1e-10, 1 + 1e-10))
    assert torch.equal(beside, on.expand(2))
