"""Implementations that are right but for one mistake, many of them made by real ports.

They measure a check: ``score(MUTANTS)`` says how many it catches, and
``python -m tconv check --mutants`` prints it.  ``EQUIVALENT`` are changes that look like mistakes
and change no result: each has the proof in its docstring, and they are no mutants.
"""

from tconv.testing.mutants.arithmetic import ARITHMETIC
from tconv.testing.mutants.channels import CHANNELS
from tconv.testing.mutants.equivalent import EQUIVALENT
from tconv.testing.mutants.forward import FORWARD
from tconv.testing.mutants.gradients import GRADIENTS
from tconv.testing.mutants.kernel import KERNEL
from tconv.testing.mutants.memory import MEMORY
from tconv.testing.mutants.mutant import KINDS, Mutant
from tconv.testing.mutants.padding import PADDING
from tconv.testing.mutants.scoring import Outcome, Score, outcomes, score
from tconv.testing.mutants.sizes import SIZES

MUTANTS: tuple[Mutant, ...] = (
    *KERNEL, *PADDING, *CHANNELS, *MEMORY, *ARITHMETIC, *SIZES, *FORWARD, *GRADIENTS,
)  # fmt: skip

__all__ = ["EQUIVALENT", "KINDS", "MUTANTS", "Mutant", "Outcome", "Score", "outcomes", "score"]
