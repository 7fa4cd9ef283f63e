#!/usr/bin/env python3
"""Fits the polynomials of src/kernels/math/math.h and prints their coefficients, lowest power first.

usage: fit_polynomials.py        (needs numpy and mpmath)

Minimax by Lawson's iteration: weighted least squares whose weights grow where the error is large.
"""
import mpmath
import numpy as np

mpmath.mp.dps = 30


def fit(f, low, high, degree, weight=lambda x: 1.0, points=1000, rounds=200):
    """Coefficients of the polynomial with the least max |weight * error| on [low, high]."""
    angle = np.pi * (np.arange(points) + 0.5) / points
    x = (low + high) / 2 + (high - low) / 2 * np.cos(angle)
    y = np.array([float(f(mpmath.mpf(float(v)))) for v in x])
    w = np.array([float(weight(float(v))) for v in x])
    powers = np.vander(x, degree + 1, increasing=True)
    share = np.ones(points) / points
    for _ in range(rounds):
        root = np.sqrt(share) * w
        coefficients = np.linalg.lstsq(powers * root[:, None], y * root, rcond=None)[0]
        error = np.abs(powers @ coefficients - y) * w
        share *= error + 1e-300
        share /= share.sum()
    return coefficients, error.max()


def show(name, result):
    coefficients, error = result
    print(f"{name} (error {error:.1e}): " + ", ".join(f"{c:.9e}" for c in coefficients))


m = mpmath
root2 = 2**0.5
show("exp(r) = 1 + r + r^2 p(r)",
     fit(lambda r: (m.expm1(r) - r) / r**2 if r else m.mpf(0.5), -0.3475, 0.3475, 4,
         lambda r: r * r + 1e-9))
show("log(1 + f) = f - f^2 / 2 + f^3 p(f)",
     fit(lambda f: (m.log1p(f) - f + f * f / 2) / f**3, 1 / root2 - 1, root2 - 1, 8,
         lambda f: f * f + 1e-9))
show("tanh(x) = x + x^3 p(x^2)",
     fit(lambda z: (m.tanh(m.sqrt(z)) - m.sqrt(z)) / m.sqrt(z)**3, 1e-8, 0.625**2, 4, lambda z: z))
show("erf(x) = x + x p(x^2)", fit(lambda z: m.erf(m.sqrt(z)) / m.sqrt(z) - 1, 1e-8, 1.0, 6))
show("log(erfc(a)) = p(a)",
     fit(lambda a: m.log(m.erfc(a)), 1.0, 4.0, 6, lambda a: float(m.erfc(a))))


def below(a):
    """The share of a normal distribution below -a."""
    return m.erfc(a / m.sqrt(2)) / 2


# The absolute error counts where there is much below, the relative one further out.
show("log of the share below -a", fit(lambda a: m.log(below(a)), 0.0, 5.7, 9, lambda a: float(below(a)) + 0.02))
