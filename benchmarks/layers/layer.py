"""A layer: a problem with a name."""

from __future__ import annotations

from dataclasses import dataclass

from tconv.testing import Problem


@dataclass(frozen=True)
class Layer:
    """A transposed convolution with a name, and where it is from or what it stands for."""

    name: str
    source: str
    problem: Problem
