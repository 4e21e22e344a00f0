"""Which form computes y, x and w: the one whose counts take the least time at this backend's rates,
among those that are possible, from the numbers of the plan alone."""

from __future__ import annotations

from functools import lru_cache

from tconv._core.cost import Counts, Rates, cheapest
from tconv._core.plan import Plan
from tconv._numpy.forms import COTANGENTS, FORMS, Form

# Nanoseconds in float32 on an AMD EPYC, two cores: fitted to generated problems as in ``python -m
# benchmarks rates``.  What is counted was corrected with the problems of ``benchmarks choice`` in
# view, so that its regret is no test of that.
RATES = Rates(products=0.012, convolved=0, added=0.43, moved=0.4, runs=0.3, kept=0, calls=800)


@lru_cache(maxsize=4096)
def candidates(result: str, plan: Plan) -> dict[str, Counts]:
    """The forms that are possible for a plan, and their counts: ``tapwise`` alone where numbers
    are far beyond the arrays, and nowhere else."""
    return {
        name: form.counts(plan)
        for name, form in FORMS[result].items()
        if (name == "tapwise") == plan.is_far and form.possible(plan)
    }


@lru_cache(maxsize=4096)
def choose(result: str, plan: Plan) -> str:
    """The name of the form that computes a result of this plan."""
    return cheapest(candidates(result, plan), RATES)


@lru_cache(maxsize=4096)
def choose_together(plan: Plan) -> str | None:
    """The name of the form that computes x and w together; None where two forms take less time."""
    of_x, of_w = candidates("x", plan), candidates("w", plan)
    apart = sum(min(map(RATES.nanoseconds, found.values())) for found in (of_x, of_w))
    together = {
        name: sum(map(RATES.nanoseconds, (of_x[name], of_w[name])))
        - RATES.nanoseconds(form.shared(plan))
        for name, form in COTANGENTS.items()
        if name in of_x and name in of_w
    }
    fastest = min(together, key=together.__getitem__, default=None)
    return fastest if fastest and together[fastest] < apart else None


def nanoseconds(form: Form, plan: Plan) -> float:
    """The time that a form takes for a plan."""
    return RATES.nanoseconds(form.counts(plan))
