"""Words of other libraries: what says the same here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# Keywords of PyTorch, jax.lax, flax, Keras, TensorFlow and ONNX, and the argument to give instead.
_KEYWORDS = {
    **dict.fromkeys(("input", "inputs", "lhs", "X"), "x"),
    **dict.fromkeys(("weight", "weights", "kernel", "filter", "filters", "rhs", "W"), "w"),
    **dict.fromkeys(("bias", "B"), "b"),
    **dict.fromkeys(("strides", "window_strides"), "stride"),
    **dict.fromkeys(("pads", "pad"), "padding"),
    **dict.fromkeys(("dilations", "dilation_rate", "rhs_dilation", "kernel_dilation"), "dilation"),
    **dict.fromkeys(("group", "feature_group_count"), "groups"),
    "output_shape": "output_size",
    **dict.fromkeys(("data_format", "dn"), "dimension_numbers"),
}
_EXAMPLES = {"dimension_numbers": "=('NHWC', 'HWIO', 'NHWC'), for example"}


def with_remedies(function: F) -> F:
    """The function, whose TypeErrors about unknown keywords and positions end with a remedy."""
    code, name = function.__code__, function.__name__
    places = code.co_argcount
    known = code.co_varnames[: places + code.co_kwonlyargcount]
    accepted, misplaced, unknown = frozenset(known), _misplaced, _unknown

    def checked(*arguments: Any, **named: Any) -> Any:
        if not accepted.issuperset(named):
            raise TypeError(unknown(name, known, named))
        if len(arguments) > places:
            raise TypeError(misplaced(name, known, places, arguments))
        return function(*arguments, **named)

    # doctest knows the functions of a module by their globals
    own = FunctionType(checked.__code__, function.__globals__, name, None, checked.__closure__)
    return wraps(function)(own)  # type: ignore[return-value]


def _unknown(name: str, known: tuple[str, ...], named: dict[str, Any]) -> str:
    word = next(word for word in named if word not in known)
    argument = _KEYWORDS.get(word, "")
    remedy = f"Its arguments are {', '.join(known)}."
    if argument in known:
        remedy = f"Write {argument}{_EXAMPLES.get(argument, '')}."
    return f"{word}: {name} has no such argument; got it as a keyword. {remedy}"


def _misplaced(name: str, known: tuple[str, ...], places: int, arguments: tuple[Any, ...]) -> str:
    remedy = "Name the others."
    if known[places] == "stride":
        remedy = f"Write stride={arguments[places]!r}"
        if name.startswith("conv"):
            plain = name.removesuffix("_vjp")
            remedy += f", or take {plain}1d, {plain}2d or {plain}3d, which have PyTorch's order"
        remedy += "."
    return (
        f"{name}: takes {', '.join(known[:places])} by position and the others by name; got "
        f"{len(arguments)} positional arguments. {remedy}"
    )


def padding_remedy(string: str, accepted: tuple[str, ...]) -> str | None:
    """What replaces another library's word for a padding; None for a word of no library."""
    word = string.lower()
    if word in accepted:
        return f"Write {word!r}."
    if word == "same_upper":
        return "Write 'same'."
    if word == "valid":
        return (
            "Write padding=0; where the stride exceeds the kernel's extent K = "
            "dilation*(kernel_size - 1) + 1, ((0, K - stride),) on each axis gives the size that "
            "other libraries' 'valid' gives."
        )
    return None
