"""Ordinary uses of the loaded libraries: what they import lazily is then loaded before the fork.

`sympy.solve` with a root in its result imports all of `sympy.physics.units`: 100 ms in every
session that has to do it by itself, against 7 ms for the solving.
"""

from __future__ import annotations

import sys
from typing import Any


def warm_up() -> None:
    """Use what is loaded; results are thrown away."""
    for name, use in (("sympy", _sympy), ("numpy", _numpy), ("pandas", _pandas)):
        if name in sys.modules:
            use(sys.modules[name])


def _sympy(sp: Any) -> None:
    x, y = sp.symbols("x y")
    n = sp.Symbol("n", integer=True, positive=True)
    for value in (
        sp.solve(x**2 - 2, x),
        sp.solve([x + y - 3, x - y - 1], [x, y]),
        sp.solveset(x**2 - x - 1, x, sp.S.Reals),
        sp.nsolve(sp.cos(x) - x, 1),
        sp.simplify(sp.sin(x) ** 2 + sp.cos(x) ** 2),
        sp.factor(x**3 - 1),
        sp.integrate(x * sp.exp(x), (x, 0, 1)),
        sp.limit(sp.sin(x) / x, x, 0),
        sp.series(sp.exp(x), x, 0, 3),
        sp.summation(n**2, (n, 1, 10)),
        sp.Matrix([[1, 2], [3, 4]]).inv().det(),
        sp.factorint(360),
        sp.divisors(60),
        sp.binomial(10, 3),
        sp.Rational(1, 3) + sp.sqrt(2),
        sp.Point(0, 0).distance(sp.Point(3, 4)),
        sp.lambdify(x, x**2)(3),
        sp.N(sp.pi, 30),
    ):
        repr(value)


def _numpy(np: Any) -> None:
    grid = np.arange(9.0).reshape(3, 3) + np.eye(3)
    repr((np.linalg.inv(grid), np.roots([1, -3, 2]), np.random.default_rng(0).random(2)))


def _pandas(pd: Any) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    repr((frame, frame.groupby("b").sum(), frame.describe()))
