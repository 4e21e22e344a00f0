"""Operators as pytrees of JAX: their kinds wait here until JAX is loaded."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import Any

_WAITING: list[Any] = []


def pytree(kind: Any) -> Any:
    """A class whose objects JAX may take apart, into the attribute that ``child`` names and the
    hashable ``settings``, and put together with ``made``."""
    _WAITING.append(kind)
    return kind


def register() -> None:
    """Make known to JAX what waits, if it is loaded: without it no tree can hold an operator."""
    jax = sys.modules.get("jax")
    while jax is not None and _WAITING:
        _register(jax.tree_util, _WAITING.pop())


def _register(tree_util: Any, kind: Any) -> None:
    key = tree_util.GetAttrKey(kind.child)

    def flattened(operator: Any) -> Any:
        return (getattr(operator, kind.child),), operator.settings

    def with_keys(operator: Any) -> Any:
        (child,), settings = flattened(operator)
        return ((key, child),), settings

    def unflattened(settings: Hashable, children: Any) -> Any:
        return kind.made(*children, settings)

    tree_util.register_pytree_with_keys(kind, with_keys, unflattened, flattened)
