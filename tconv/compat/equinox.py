"""``equinox.nn.ConvTranspose`` by tconv, and models of equinox made to use it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp

from tconv._core.arguments import Pairs, fail
from tconv.compat import layer
from tconv.compat.call import Names

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
        x, pads = jnp.asarray(x)[None], self._pads()
        if self.padding_mode == "CIRCULAR":
            x, pads = layer.continued(x, 2, pads, self.stride)
        y = layer.conv_transpose(
            _NAMES,
            "equinox",
            layer.specs(axes, "NC*", "OI*"),
            x,
            self.weight,
            stride=self.stride,
            padding=pads,
            dilation=self.dilation,
            groups=self.groups,
        )[0]
        return y if self.bias is None else y + self.bias

    def _pads(self) -> Pairs:
        """The padding of each axis as ``lax`` counts it: what equinox crops, less what it extends.

        With K = dilation*(kernel_size - 1) + 1, ``"SAME"`` crops K - stride + output_padding in
        all, for an output of input*stride - output_padding; a negative amount extends the high
        side.
        """
        pads = []
        for axis in range(self.num_spatial_dims):
            reach = self.dilation[axis] * (self.kernel_size[axis] - 1)
            output_padding = self.output_padding[axis]
            if self.padding == "VALID":
                lo, hi = 0, -output_padding
            elif isinstance(self.padding, str):
                crop = reach + 1 - self.stride[axis] + output_padding
                lo = (max(crop, 0) + (self.padding == "SAME_LOWER")) // 2
                hi = crop - lo
            else:
                lo, hi = self.padding[axis]
                hi -= output_padding
            pads.append((reach - lo, reach - hi))
        return tuple(pads)


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
    ours = object.__new__(_OURS[type(theirs)])
    for each in fields(theirs):
        object.__setattr__(ours, each.name, getattr(theirs, each.name))
    return ours
