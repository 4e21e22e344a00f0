"""The checks of tconv itself: every method, direction and gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tconv.testing.checks import check_conv, check_conv_transpose, check_vjp
from tconv.testing.commands.installed import METHODS, Functions
from tconv.testing.commands.rows import Check, later
from tconv.testing.problems.simplify import Predicate


def own_checks(
    offered: Functions,
    dtypes: Sequence[str],
    *,
    examples: int,
    profile: str = "quick",
    seed: int = 0,
    methods: Sequence[str] = METHODS,
    ndim: Sequence[int] = (1, 2, 3),
    supports: Predicate | None = None,
) -> list[Check]:
    """The first dtype is tried with every method and number of axes, and with the fixed problems
    of the profile; the others with "auto" on one axis and two."""
    chosen = []
    for dtype in dtypes:
        first = dtype == dtypes[0]
        common: dict[str, Any] = {
            "dtypes": (dtype,), "max_examples": examples, "seed": seed, "supports": supports,
            "profile": profile if first or profile == "few" else "quick",
            "ndim": ndim if first else [axes for axes in ndim if axes < 3],
        }  # fmt: skip
        for method in methods if first else ("auto",):
            strict = ("x",) if offered.confines_nan and method != "matrix" else ()
            conv = offered.conv if method == "auto" else None
            run = later(
                check_conv_transpose, offered.conv_transpose(method), nonfinite=strict, conv=conv,
                **common,
            )  # fmt: skip
            chosen.append(Check("conv_transpose", method, dtype, run))
        strict = ("x",) if offered.confines_nan else ()
        run = later(
            check_conv, offered.conv, nonfinite=strict,
            conv_transpose=offered.conv_transpose("auto"), **common,
        )  # fmt: skip
        chosen.append(Check("conv", "", dtype, run))
        for kind in ("conv_transpose", "conv"):
            run = later(check_vjp, offered.vjp(kind), kind=kind, **common)
            chosen.append(Check(f"{kind}_vjp", "", dtype, run))
    return chosen
