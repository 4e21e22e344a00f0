"""The check of a JAX function: under jit and vmap, and its gradients."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any

from tconv.testing.checks import Summary, check_conv, check_conv_transpose, check_vjp
from tconv.testing.failure.report import name_of
from tconv.testing.problems.simplify import Predicate

_STATIC = ("stride", "padding", "output_padding", "dilation", "groups")


def check_jax(
    fn: Callable[..., Any],
    *,
    kind: str = "conv_transpose",
    ndim: int | Collection[int] = (1, 2, 3),
    dtypes: Collection[str] = ("float32",),
    supports: Predicate | None = None,
    max_examples: int = 20,
    seed: int = 0,
    atol: float | None = None,
    rtol: float | None = None,
    nonfinite: Collection[str] = ("x",),
) -> dict[str, Summary]:
    """Certify a JAX function: under jit, under vmap over x and over w, and the gradients of it.

    JAX promotes dtypes and ranks strictly meanwhile, so that a constant of another dtype is an
    error.

    Args: those of ``check_conv_transpose``; ``kind`` is "conv_transpose" or "conv", and
        ``max_examples`` programs are compiled for each of the four.

    Returns: the ``Summary`` of each: "jit", "vmap over x", "vmap over w" and "grad".

    Raises:
        CheckFailure: as ``check_conv_transpose`` does; it names the transformation.
        ImportError: JAX is not installed.

    >>> import tconv
    >>> check_jax(tconv.conv_transpose, ndim=1, max_examples=1, nonfinite=())["grad"].problems
    2
    """
    jax = import_module("jax")
    names = [name for name in _STATIC if kind == "conv_transpose" or name != "output_padding"]
    jitted = jax.jit(fn, static_argnames=names)
    options: dict[str, Any] = {
        "ndim": ndim, "dtypes": dtypes, "supports": supports, "max_examples": max_examples,
        "seed": seed, "atol": atol, "rtol": rtol, "profile": "few",
    }  # fmt: skip
    check = check_conv_transpose if kind == "conv_transpose" else check_conv
    forms = {
        "jit": _Transformed(jitted, f"jax.jit({name_of(fn)})"),
        "vmap over x": _Mapped(jitted, f"jax.vmap({name_of(fn)}) over x", 0),
        "vmap over w": _Mapped(jitted, f"jax.vmap({name_of(fn)}) over w", 1),
    }
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        found = {name: check(form, nonfinite=nonfinite, **options) for name, form in forms.items()}
        found["grad"] = check_vjp(forms["jit"], kind=kind, **options)
    return found


class _Transformed:
    """A function of JAX arrays as one of NumPy arrays, by a name."""

    def __init__(self, fn: Callable[..., Any], name: str) -> None:
        """Take both."""
        self.fn, self.__qualname__ = fn, name

    def __call__(self, x: Any, w: Any, b: Any = None, **keywords: Any) -> Any:
        """Call the function."""
        asarray = import_module("jax.numpy").asarray
        return self.fn(asarray(x), asarray(w), None if b is None else asarray(b), **keywords)


class _Mapped(_Transformed):
    """The same under vmap over one operand, of which the second of two samples is the one given."""

    def __init__(self, fn: Callable[..., Any], name: str, over: int) -> None:
        """Take them, and the number of the operand."""
        super().__init__(fn, name)
        self.over = over

    def __call__(self, x: Any, w: Any, b: Any = None, **keywords: Any) -> Any:
        """Map the function and return the second result."""
        jax = import_module("jax")
        operands = [jax.numpy.asarray(a) for a in (x, w)]
        one = operands[self.over]
        operands[self.over] = jax.numpy.stack([jax.numpy.zeros_like(one), one])
        axes = [0 if number == self.over else None for number in range(2)]
        bias = None if b is None else jax.numpy.asarray(b)
        mapped = jax.vmap(lambda x, w: self.fn(x, w, bias, **keywords), in_axes=axes)
        return mapped(*operands)[1]
