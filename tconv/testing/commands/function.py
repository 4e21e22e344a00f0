"""A function of the user's, or a framework's, as what the command certifies."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from tconv.testing.checks import check_conv, check_conv_transpose, check_vjp
from tconv.testing.commands.rows import Check, Target, later
from tconv.testing.frameworks import load
from tconv.testing.frameworks.framework import Framework
from tconv.testing.problems.problem import Problem
from tconv.testing.problems.supports import Supports

Function = Callable[..., Any]
_PARAMETERS = ("stride", "padding", "output_padding", "dilation", "groups")


def function_named(text: str) -> Function:
    """The function that ``package.module:function`` names; attributes may follow with dots.

    Raises: ValueError for another form, a module that does not import, or a name that it does not
        have.
    """
    module_name, _, path = text.partition(":")
    if not module_name or not path:
        raise ValueError(
            f"{text}: must be package.module:function, a model that ends with .onnx, or left out "
            f"to certify the installed library."
        )
    try:
        found: Any = import_module(module_name)
    except Exception as error:  # whatever the module raises
        raise ValueError(
            f"{text}: {module_name} does not import: {type(error).__name__}: {error}. Run from "
            f"the folder that holds it, or set PYTHONPATH."
        ) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise ValueError(f"{text}: {module_name} has no {path!r}.")
        found = getattr(found, part)
    if not callable(found):
        raise ValueError(f"{text}: must be a function; got {type(found).__name__}.")
    function: Function = found
    return function


def check_signature(text: str, function: Function, kind: str = "conv_transpose") -> None:
    """Refuse a function that cannot take the arguments of the check."""
    names = [name for name in _PARAMETERS if kind == "conv_transpose" or name != "output_padding"]
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # of compiled code: the first call will tell
    try:
        signature.bind("x", "w", None, **dict.fromkeys(names))
    except TypeError as error:
        raise ValueError(
            f"{text}: must take (x, w, b=None, *, {', '.join(names)}); its signature is "
            f"{signature}: {error}. Wrap it in a function that does."
        ) from None


def function_target(options: Any) -> Target:
    """The function of the command line, with its convolution and its gradient if they are named."""
    function = function_named(options.target)
    check_signature(options.target, function)
    supports = Supports(options.supports or "")
    conv = vjp = None
    if options.conv:
        conv = function_named(options.conv)
        check_signature(options.conv, conv, "conv")
    if options.vjp:
        vjp = function_named(options.vjp)
        check_signature(options.vjp, vjp)
    checks = _checks(options, function, supports, conv=conv, vjp=vjp)
    package = options.target.partition(":")[0].partition(".")[0]
    return Target(options.target, (package,), checks, supports, supports, **_settings(options))


def framework_target(options: Any, found: Framework | None = None) -> Target:
    """A framework's own functions, within what it offers."""
    framework = load(options.framework) if found is None else found
    supports = framework.supports & Supports(options.supports or "")

    def offered(problem: Problem) -> bool:
        return supports(problem) and not framework.aborts(problem)

    checks = _checks(options, framework.conv_transpose, offered, vjp=framework.vjp, nonfinite=())
    note = "NaN and inf are not checked: frameworks do not say where they may go."
    if framework.why:
        note += f"\nLeft out: {framework.why}."
    name, settings = options.framework or "onnxruntime", _settings(options)
    return Target(name, framework.packages, checks, supports, offered, note, **settings)


def _checks(
    options: Any,
    function: Function,
    supports: Callable[[Problem], bool],
    *,
    vjp: Function | None,
    conv: Function | None = None,
    nonfinite: Sequence[str] = ("x",),
) -> list[Check]:
    settings = _settings(options)
    common: dict[str, Any] = {
        "supports": supports,
        "max_examples": settings.pop("examples"),
        "seed": options.seed,
        **settings,
    }
    checks = []
    for dtype in options.dtype or ("float32",):
        check = partial(Check, method="", dtype=dtype)
        common["dtypes"] = (dtype,)
        run = later(check_conv_transpose, function, conv=conv, nonfinite=nonfinite, **common)
        checks.append(check("conv_transpose", run=run))
        if conv is not None:
            run = later(check_conv, conv, nonfinite=nonfinite, **common)
            checks.append(check("conv", run=run))
        if vjp is not None:
            checks.append(check("conv_transpose_vjp", run=later(check_vjp, vjp, **common)))
    return checks


def _settings(options: Any) -> dict[str, Any]:
    return {
        "ndim": options.ndim or (1, 2, 3),
        "profile": options.profile or "default",
        "examples": options.examples,
    }
