"""What each framework's padding crops from the two sides of the full scatter, axis by axis.

With the extent K = dilation*(kernel_size - 1) + 1 a transposed convolution scatters to
(n - 1)*stride + K positions; every framework keeps these but for (lo, hi), of which negative
ones extend the result with zeros.  tconv's ``padding`` is that pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tconv._core.arguments import Pairs, entries_of, fail, integer
from tconv._core.axis import AxisParameters

Every = Sequence[AxisParameters]


def lax_crops(every: Every, padding: Any, consistent: bool = False) -> Pairs:
    """``jax.lax.conv_transpose``: "SAME" and "VALID" are of the transposed convolution; pairs
    pad the spread input, to which the flipped kernel adds K - 1 on each side.

    With ``consistent`` pairs are those of the convolution that is the adjoint, as PyTorch's.
    The other strings of ``jax.lax`` are those of the convolution that is computed, and are
    accepted where no stride spreads its input.
    """
    if not isinstance(padding, str):
        pairs = number_pairs("padding", padding, every)
        if consistent:
            return pairs
        return tuple(_padded(one, *pair) for one, pair in zip(every, pairs, strict=True))
    if padding == "SAME":
        return tuple(one.same(lower=False).padding for one in every)
    if padding == "VALID":
        return tuple((0, -max(one.stride - one.extent, 0)) for one in every)
    mode = padding.upper()
    if mode not in ("SAME", "SAME_LOWER", "VALID"):
        remedy = "Write 'SAME' or 'VALID', or give one (lo, hi) pair an axis."
        fail("padding", None, "must be 'SAME', 'VALID' or pairs", repr(padding), remedy)
    if consistent or any(one.stride > 1 for one in every):
        rule = "with use_consistent_padding or a stride above 1 must be 'SAME', 'VALID' or pairs"
        remedy = "Write 'VALID'." if mode == "VALID" else "Write 'SAME'."
        fail("padding", None, rule, repr(padding), remedy)
    if mode == "VALID":
        return tuple(_padded(one, 0, 0) for one in every)
    lower = mode == "SAME_LOWER"
    return tuple(_padded(one, *_halves(one.extent - 1, lower)) for one in every)


def _padded(one: AxisParameters, lo: int, hi: int) -> tuple[int, int]:
    """What padding the spread input by (lo, hi) crops."""
    return one.extent - 1 - lo, one.extent - 1 - hi


def _halves(total: int, lower: bool) -> tuple[int, int]:
    """A total in two, the odd one at the low side where ``lower``."""
    larger, smaller = total - total // 2, total // 2
    return (larger, smaller) if lower else (smaller, larger)


def number_pairs(argument: str, padding: Any, every: Every) -> Pairs:
    """One (lo, hi) pair of ints for each axis, given as just that."""
    entries = entries_of(padding)
    if entries is None or len(entries) != len(every):
        rule = f"must be one (lo, hi) pair for each of the {len(every)} spatial axes"
        fail(argument, None, rule, repr(padding), "Give a sequence of pairs.")
    return tuple(_pair(argument, one, entry) for one, entry in zip(every, entries, strict=True))


def _pair(argument: str, one: AxisParameters, entry: Any) -> tuple[int, int]:
    pair = entries_of(entry)
    if pair is None or len(pair) != 2:
        fail(argument, one.name, "must be a (lo, hi) pair", repr(entry), "Give two ints.")
    return integer(argument, pair[0]), integer(argument, pair[1])
