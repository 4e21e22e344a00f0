"""Values as they are written: numbers, and letters where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from string import ascii_lowercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core.arguments import Shape


def letters(shape: Shape) -> NDArray[np.object_]:
    """A letter for each element of x: a, b, c, ..., or x0, x1, ... where these do not suffice."""
    count = prod(shape)
    if count <= len(ascii_lowercase):
        names = list(ascii_lowercase[:count])
    else:
        names = [f"x{number}" for number in range(count)]
    return np.array(names, object).reshape(shape)


def numbered(name: str, shape: Shape) -> NDArray[np.object_]:
    """name0, name1, ... for the elements of an array."""
    names = [f"{name}{number}" for number in range(prod(shape))]
    return np.array(names, object).reshape(shape)


def scalar(array: NDArray[Any], index: Shape) -> Any:
    """An element as a Python number, exact in integers, or as its letter."""
    element = array[index]
    return element if isinstance(element, str) else element.item()


def times(x: Any, w: Any) -> Any:
    """The product of two numbers, or of two letters."""
    return f"{x}*{w}" if isinstance(x, str) else x * w


def total(values: Sequence[Any]) -> Any:
    """The sum of numbers, or of letters; 0 for none."""
    if values and isinstance(values[0], str):
        return " + ".join(values)
    return sum(values)


def written(value: Any, digits: int = 4) -> str:
    """A number with so many significant digits, integers whole; a letter as it is."""
    if isinstance(value, complex):
        return f"({value.real:.{digits}g}{value.imag:+.{digits}g}j)"
    if isinstance(value, float):
        return f"{value + 0.0:.{digits}g}"
    return str(value)


def factor(value: Any) -> str:
    """A number within a formula: negative ones in brackets."""
    text = written(value)
    return f"({text})" if text.startswith("-") else text


def table(cells: NDArray[Any]) -> list[str]:
    """The lines of a vector or a matrix, aligned at the right."""
    rows = np.atleast_2d(cells)
    widths = [max(map(len, column)) for column in rows.T]
    return ["  ".join(map(str.rjust, row, widths)) for row in rows]
