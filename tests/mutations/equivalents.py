"""Mutants that no test can tell from the package, and why: by the name of the mutant."""

EQUIVALENTS: dict[str, str] = {
    "tconv/_core/boundary.py _turn: -period <= position < 0 -> -period <= position <= 0": "Position"
    " 0 is in every image, and is read there before turns are counted.",
    "tconv/_core/boundary.py _turn: 0 -> 1": "Position 0 is in every image, and is read there "
    "before turns are counted.",
    "tconv/_jax/entry.py _lax_precision: 0 -> -1": "One equation is traced: it is the last.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 0": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 0 (2)": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 0 (3)": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 0 (4)": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 2": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 2 (2)": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 2 (3)": "It depends on no size.",
    "tconv/_jax/entry.py _lax_precision: 1 -> 2 (4)": "It depends on no size.",
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
    "tconv/testing/frameworks/equinox.py conv_transpose: 0 -> -1": "The layer is shaped and not "
    "computed: no number of the key is read.",
    "tconv/testing/frameworks/equinox.py conv_transpose: 0 -> 1": "The layer is shaped and not "
    "computed: no number of the key is read.",
    "tconv/testing/problems/problem.py Problem.__repr__: 0 -> -1": "Its entries are equal.",
    "tconv/testing/problems/problem.py Problem.__repr__: 0 -> -1 (2)": "Its entries are equal.",
    "tconv/testing/problems/simplify.py _smaller: least <= n < value -> least <= n <= value": "A "
    "step to the value itself changes nothing, and what does not differ is no candidate.",
    "tconv/testing/properties.py examine: 0 -> -1": "What it raises has one argument: it is the "
    "last.",
    "tconv/testing/properties.py examine: None -> 0": "Neither is the name of a property.",
}
