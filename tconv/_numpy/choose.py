"""Which algorithm ``method="auto"`` takes, from the numbers of the plan alone."""

from __future__ import annotations

from tconv._plan import Plan


def choose(plan: Plan) -> str:
    """The name of the algorithm for this plan."""
    return "col2im"
