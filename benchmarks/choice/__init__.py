"""Whether "auto" chooses well: every form that applies, timed, and the regret of the chosen one."""

from benchmarks.choice.measure import Choice, load, measure_choice

__all__ = ["Choice", "load", "measure_choice"]
