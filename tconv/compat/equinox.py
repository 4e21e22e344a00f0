"""``equinox.nn.ConvTranspose`` by tconv, and models of equinox made to use it."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp

from tconv._core.arguments import fail
from tconv.compat import layer
from tconv.compat.call import Names
from tconv.compat.crops import equinox_crops

__all__ = ["ConvTranspose", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "replace"]

Model = TypeVar("Model")
_NAMES = Names("x", "weight", "stride", "dilation")


class ConvTranspose(eqx.nn.ConvTranspose):
    """``equinox.nn.ConvTranspose``: the same constructor, leaves and values, computed by tconv.

    Args: those of ``equinox.nn.ConvTranspose``.

    Source: ``equinox.nn.ConvTranspose``.

    >>> import jax, jax.numpy as jnp
    >>> layer = ConvTranspose(2, 8, 4, 4, stride=2, padding=1, key=jax.random.key(0))
    >>> layer(jnp.ones((8, 16, 16))).shape
    (4, 32, 32)
    >>> isinstance(layer, eqx.nn.ConvTranspose)
    True
    """

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """The transposed convolution of x, (in_channels, *spatial); ``key`` has no effect.

        Returns: (out_channels, *spatial).

        Raises: ValueError that names the argument as equinox does.
        """
        axes = self.num_spatial_dims
        if x.ndim != axes + 1:
            fail(
                "x",
                None,
                f"must have {axes + 1} axes (in_channels, {axes} spatial)",
                f"shape {x.shape}",
                "Map over a batch with jax.vmap.",
            )
        y = layer.conv_transpose(
            _NAMES,
            "equinox",
            "NC*",
            jnp.asarray(x)[None],
            self.weight,
            partial(equinox_crops, padding=self.padding),
            stride=self.stride,
            dilation=self.dilation,
            groups=self.groups,
            output_padding=self.output_padding,
            circular=self.padding_mode == "CIRCULAR",
        )[0]
        return y if self.bias is None else y + self.bias


class ConvTranspose1d(ConvTranspose, eqx.nn.ConvTranspose1d):
    """``equinox.nn.ConvTranspose1d`` by tconv; see ``ConvTranspose``."""


class ConvTranspose2d(ConvTranspose, eqx.nn.ConvTranspose2d):
    """``equinox.nn.ConvTranspose2d`` by tconv; see ``ConvTranspose``."""


class ConvTranspose3d(ConvTranspose, eqx.nn.ConvTranspose3d):
    """``equinox.nn.ConvTranspose3d`` by tconv; see ``ConvTranspose``."""


_OURS: dict[type, type] = {
    eqx.nn.ConvTranspose: ConvTranspose,
    eqx.nn.ConvTranspose1d: ConvTranspose1d,
    eqx.nn.ConvTranspose2d: ConvTranspose2d,
    eqx.nn.ConvTranspose3d: ConvTranspose3d,
}


def replace(model: Model) -> Model:
    """The model with every ``equinox.nn.ConvTranspose`` made one of tconv.

    Models of equinox are values, so this is a new one; its parameters are the same arrays, in the
    same order.  A layer that the model holds in several places is one object there too.

    Args:
        model: a module of equinox, or any tree of them.

    Returns: the new model.  Instances of subclasses of equinox's layers are left as they are, for
        tconv cannot know what they change: let the subclass inherit from
        ``tconv.compat.equinox.ConvTranspose``.

    Source: "Model surgery" in the documentation of equinox.

    >>> import jax
    >>> layer = eqx.nn.ConvTranspose2d(8, 4, 4, stride=2, key=jax.random.key(0))
    >>> model = replace(eqx.nn.Sequential([layer]))
    >>> isinstance(model.layers[0], ConvTranspose2d)
    True
    >>> model.layers[0].weight is layer.weight
    True
    """
    made: dict[int, Any] = {}

    def replaced(node: Any) -> Any:
        if type(node) not in _OURS:
            return node
        if id(node) not in made:
            made[id(node)] = _as_ours(node)
        return made[id(node)]

    changed: Model = jax.tree.map(replaced, model, is_leaf=lambda node: type(node) in _OURS)
    return changed


def _as_ours(theirs: Any) -> Any:
    """A layer of tconv with the fields of one of equinox."""
    ours: Any = object.__new__(_OURS[type(theirs)])
    for each in fields(theirs):
        object.__setattr__(ours, each.name, getattr(theirs, each.name))
    return ours
