"""Mutants that no test can tell from the package, and why: by the name of the mutant."""

EQUIVALENTS: dict[str, str] = {
    "tconv/_core/boundary.py _turn: -period <= position < 0 -> -period <= position <= 0": "Position"
    " 0 is in every image, and is read there before turns are counted.",
    "tconv/_core/boundary.py _turn: 0 -> 1": "Position 0 is in every image, and is read there "
    "before turns are counted.",
    "tconv/_core/reduction.py _drawn_together: 2 -> 3": "What is not reduced is computed as it is.",
    "tconv/_jax/entry.py _lax_precision: 0 -> -1": "One equation is traced: it is the last.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 0": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 0 (2)": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 0 (3)": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 0 (4)": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 2": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 2 (2)": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 2 (3)": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 2 (4)": "It depends on no size.",
    "tconv/_jax/entry.py weight_cotangent: False -> True": "The cotangent is rounded to the dtype "
    "of its operand behind it.",
    "tconv/_numpy/forms/banded.py Limits: 32 -> 33": "It decides on time alone.",
    "tconv/_numpy/forms/banded.py _reads: False -> True": "Nothing writes to the view.",
    "tconv/_numpy/tiles.py _cut: most >= size -> most > size": "One part of the whole, either way.",
    "tconv/explanation/views/matrix.py matrix: 1 -> 0": "Of a column vector's grid only the "
    "place and the first range that is shown are read.",
    "tconv/explanation/views/matrix.py matrix: 1 -> 0 (3)": "Of a column vector's grid only the "
    "place and the first range that is shown are read.",
    "tconv/explanation/views/matrix.py matrix: 1 -> 2": "Of a column vector's grid only the "
    "place and the first range that is shown are read.",
    "tconv/explanation/views/matrix.py matrix: 1 -> 2 (3)": "Of a column vector's grid only the "
    "place and the first range that is shown are read.",
    "tconv/explanation/views/matrix.py matrix: 1 -> 2 (4)": "Of a column vector's grid only the "
    "place and the first range that is shown are read.",
    "tconv/explanation/views/palette.py <module>: 0.09 -> -0.91": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.09 -> 1.09": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.15 -> -0.85": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.15 -> 1.15": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.34 -> -0.6599999999999999": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.34 -> 1.34": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.5 -> -0.5": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.5 -> 1.5": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.58 -> -0.42000000000000004": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.58 -> 1.58": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.76 -> -0.24": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.76 -> 1.76": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.93 -> -0.06999999999999995": "A whole turn.",
    "tconv/explanation/views/palette.py <module>: 0.93 -> 1.9300000000000002": "A whole turn.",
    "tconv/_numpy/tiles.py GroupTasks.run: 1 -> 2 (2)": "Scratch memory comes in multiples of 64 "
    "bytes: what is needed is at least that, or nothing, and then the tasks set the bound.",
    "tconv/compat/call.py Call._unreached: space.result_type(self.x, self.w) -> "
    "space.result_type(self.w, self.x)": "Promotion is symmetric.",
    "tconv/_jax/forms/depthwise.py <module>: 0 -> -1": "The axis has one entry, which JAX reads "
    "for every place beyond it.",
    "tconv/_jax/forms/depthwise.py <module>: 0 -> -1 (2)": "The axis has one entry, which JAX "
    "reads for every place beyond it.",
    "tconv/_jax/forms/depthwise.py <module>: 0 -> 1": "The axis has one entry, which JAX reads for "
    "every place beyond it.",
    "tconv/_jax/forms/depthwise.py <module>: 0 -> 1 (2)": "The axis has one entry, which JAX reads "
    "for every place beyond it.",
    "tconv/_jax/forms/depthwise.py conv: 0 -> -1": "The axis has one entry, which JAX reads for "
    "every place beyond it.",
    "tconv/_jax/forms/depthwise.py conv: 0 -> 1": "The axis has one entry, which JAX reads for "
    "every place beyond it.",
    "tconv/_jax/forms/depthwise.py conv_transpose: 0 -> -1": "The axis has one entry, which JAX "
    "reads for every place beyond it.",
    "tconv/_jax/forms/depthwise.py conv_transpose: 0 -> 1": "The axis has one entry, which JAX "
    "reads for every place beyond it.",
    "tconv/_jax/forms/depthwise.py weight_cotangent: 0 -> -1": "The axis has one entry, which JAX "
    "reads for every place beyond it.",
    "tconv/_jax/forms/depthwise.py weight_cotangent: 0 -> -1 (2)": "The axis has one entry, which "
    "JAX reads for every place beyond it.",
    "tconv/_jax/forms/depthwise.py weight_cotangent: 0 -> -1 (3)": "The only slice as long as its "
    "axis begins at 0, wherever it is asked to.",
    "tconv/_jax/forms/depthwise.py weight_cotangent: 0 -> 1": "The axis has one entry, which JAX "
    "reads for every place beyond it.",
    "tconv/_jax/forms/depthwise.py weight_cotangent: 0 -> 1 (2)": "The axis has one entry, which "
    "JAX reads for every place beyond it.",
    "tconv/_jax/forms/depthwise.py weight_cotangent: 0 -> 1 (3)": "The only slice as long as its "
    "axis begins at 0, wherever it is asked to.",
    "tconv/_jax/versions.py partitioned: 1 -> 0 (2)": "What JAX would ask a partitioner for, it "
    "writes out as it is where there is one device.",
    "tconv/_numpy/resample.py Resampled._blocks: 1 -> 2": "Of size 0 there is no block; of size "
    "1 the block is cut to it, and other axes are cut finer at most.",
    "tconv/explanation/plots.py render: None -> 0": "Either is false, and no bounds are given.",
    "tconv/explanation/views/section.py Section.x_grid: 0 -> -1": "Without a row a grid is asked "
    "for its indices alone, which do not depend on where it lies.",
    "tconv/explanation/views/section.py Section.x_grid: 0 -> 1": "Without a row a grid is asked "
    "for its indices alone, which do not depend on where it lies.",
    "tconv/explanation/views/section.py Section.y_grid: 0 -> -1": "Without a row a grid is asked "
    "for its indices alone, which do not depend on where it lies.",
    "tconv/explanation/views/section.py Section.y_grid: 0 -> 1": "Without a row a grid is asked "
    "for its indices alone, which do not depend on where it lies.",
    "tconv/testing/frameworks/equinox.py conv_transpose.made: w.shape[1] * groups -> "
    "w.shape[1] // groups": "What the layer would draw is replaced, whatever its shape.",
    "tconv/operators/adapters.py to_lineax: 1 -> 2": "Of the array only the dtype is asked.",
    "tconv/testing/frameworks/mlx.py vjp.forward: None -> 0": "Adding 0 changes no value: the "
    "sums of MLX begin at 0, so none is a negative zero.",
    "tconv/testing/frameworks/equinox.py conv_transpose: 0 -> -1": "The layer is shaped and not "
    "computed: no number of the key is read.",
    "tconv/testing/frameworks/equinox.py conv_transpose: 0 -> 1": "The layer is shaped and not "
    "computed: no number of the key is read.",
    "tconv/testing/problems/problem.py Problem.__repr__: 0 -> -1": "Its entries are equal.",
    "tconv/testing/problems/problem.py Problem.__repr__: 0 -> -1 (2)": "Its entries are equal.",
    "tconv/testing/problems/simplify.py _smaller: least <= n < value -> least <= n <= value": "A "
    "step to the value itself changes nothing, and what does not differ is no candidate.",
    "tconv/testing/strategies/generated.py _drawer.draw: 0 -> -1": "There is one: it is the last.",
    "tconv/testing/properties.py examine: 0 -> -1": "What it raises has one argument: it is the "
    "last.",
    "tconv/testing/properties.py examine: None -> 0": "Neither is the name of a property.",
}
