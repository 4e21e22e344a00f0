"""The transposed convolutions of flax: ``tconv.compat.flax.nnx`` and ``tconv.compat.flax.linen``.

Each imports flax when it is imported itself.
"""
