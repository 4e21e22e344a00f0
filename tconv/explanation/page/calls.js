// The present problem as a call of each library, to copy. Every text makes x, w and b, and ends
// with y; each is run against the library by the tests.

const LIBRARIES = {
  tconv: tconvCall,
  PyTorch: torchCall,
  "jax.lax": laxCall,
  flax: flaxCall,
  ONNX: onnxCall,
};
const FLOATS = ["float16", "float32", "float64"];
const MOST_LITERALS = 600; // numbers written into a call; larger arrays are drawn at random

const sameEntries = (entries) => entries.every((entry) => entry === entries[0]);
const perAxis = (entries) => (sameEntries(entries) ? `${entries[0]}` : pythonTuple(entries));
const listed = (entries) => `[${entries.join(", ")}]`;
const lettersOf = (axes) => "DHW".slice(3 - axes);
const spatial = (axes) => pythonTuple(range(2, 2 + axes));

function pythonNumber(number) {
  if (Number.isFinite(number)) return Object.is(number, -0) ? "-0.0" : `${number}`;
  return Number.isNaN(number) ? "np.nan" : number < 0 ? "-np.inf" : "np.inf";
}

// A call on one line, with its arguments on a line of their own, or with one a line.
function called(head, parts, indent = "") {
  const line = `${indent}${head}(${parts.join(", ")})`;
  if (line.length <= 88) return line;
  const inner = `${indent}    ${parts.join(", ")}`;
  if (inner.length <= 88) return `${indent}${head}(\n${inner}\n${indent})`;
  const lines = parts.map((part) => `${indent}    ${part},\n`).join("");
  return `${indent}${head}(\n${lines}${indent})`;
}

function arrayLines(scene, dtype) {
  const { problem } = scene;
  const shapes = {
    x: xShape(problem),
    w: wShape(problem),
    ...(scene.b && { b: [problem.outChannels] }),
  };
  const drawn = scene.symbolic || scene.x.length + scene.w.length > MOST_LITERALS;
  const lines = Object.entries(shapes).map(([letter, shape]) => {
    if (drawn) return `${letter} = rng.normal(size=${pythonTuple(shape)}).astype("${dtype}")`;
    const numbers = `[${scene[letter].map(pythonNumber).join(", ")}]`;
    const folded = shape.length === 1 ? "" : `.reshape${pythonTuple(shape)}`;
    return `${letter} = np.array(${numbers}, "${dtype}")${folded}`;
  });
  return [...(drawn ? ["rng = np.random.default_rng(0)"] : []), ...lines].join("\n");
}

// What every call shares: the axes, and the crop (lo, hi) of the scatter with the output padding
// taken off its high side.
function factsOf(scene) {
  const { problem } = scene;
  const axes = problem.kernelSize.length;
  const dtype = FLOATS.includes(state.dtype) ? state.dtype : "float32";
  const crops = problem.padding.map(([lo, hi], axis) => [lo, hi - problem.outputPadding[axis]]);
  const unbatched = problem.batch === null;
  return {
    problem,
    axes,
    dtype,
    crops,
    unbatched,
    bias: scene.b !== null,
    x: unbatched ? "x[None]" : "x",
  };
}

const options = (pairs) =>
  Object.entries(pairs)
    .filter(([, [text, plain]]) => text !== plain)
    .map(([name, [text]]) => `${name}=${text}`);

function tconvCall(scene) {
  const { problem, bias } = factsOf(scene);
  const symmetric = problem.padding.every(([lo, hi]) => lo === hi && lo >= 0);
  const padding = symmetric
    ? perAxis(problem.padding.map(([lo]) => lo))
    : pythonTuple(problem.padding.map((pair) => pythonTuple(pair)));
  const named = options({
    stride: [perAxis(problem.stride), "1"],
    padding: [padding, "0"],
    output_padding: [perAxis(problem.outputPadding), "0"],
    dilation: [perAxis(problem.dilation), "1"],
    groups: [`${problem.groups}`, "1"],
  });
  return {
    imports: ["import numpy as np", "", "import tconv"],
    body: called("y = tconv.conv_transpose", ["x", "w", ...(bias ? ["b"] : []), ...named]),
  };
}

function torchCall(scene) {
  const { problem, axes, crops, bias } = factsOf(scene);
  const tensors = ["x", "w", ...(bias ? ["b"] : [])].map((letter) => `torch.from_numpy(${letter})`);
  const endings = crops.map(([lo, hi]) => lo - hi);
  const fits = crops.every(([lo], axis) => {
    const limit = Math.max(problem.stride[axis], problem.dilation[axis]);
    return lo >= 0 && endings[axis] >= 0 && endings[axis] < limit;
  });
  const shared = options({
    stride: [perAxis(problem.stride), "1"],
    padding: [fits ? perAxis(crops.map(([lo]) => lo)) : "0", "0"],
    output_padding: [fits ? perAxis(endings) : "0", "0"],
    groups: [`${problem.groups}`, "1"],
    dilation: [perAxis(problem.dilation), "1"],
  });
  const imports = ["import numpy as np", "import torch", "from torch.nn import functional as F"];
  const head = `y = F.conv_transpose${axes}d`;
  if (fits) {
    const same = problem.padding.every(([lo, hi]) => lo === hi);
    const note = same
      ? ""
      : "PyTorch has one padding for both sides: this crop is a padding with an output padding.";
    return { imports, note, body: called(head, [...tensors, ...shared]) };
  }
  const pads = crops
    .map(([lo, hi]) => [-lo, -hi])
    .reverse()
    .flat();
  const body = [
    called(head, [...tensors.slice(0, 2), ...shared]),
    `y = F.pad(y, ${pythonTuple(pads)})  # negative amounts crop`,
    ...(bias ? [`y = y + torch.from_numpy(b)[:${", None".repeat(axes)}]`] : []),
  ];
  return {
    imports,
    body: body.join("\n"),
    note:
      "PyTorch's padding cannot express this crop: it takes the same from both sides. So the " +
      "whole scatter is computed, then cropped.",
  };
}

// The padding of an lhs-dilated convolution, and the slice that takes off what is below zero.
function laxPadding({ problem, crops, axes }) {
  const pads = crops.map(([lo, hi], axis) => [
    extent(problem, axis) - 1 - lo,
    extent(problem, axis) - 1 - hi,
  ]);
  const kept = pads.map((pair) => pair.map((pad) => Math.max(pad, 0)));
  const slices = outputSize(problem).map((size, axis) => {
    const start = Math.max(-pads[axis][0], 0);
    return pads[axis].every((pad) => pad >= 0) ? ":" : `${start}:${start + size}`;
  });
  const text = listed(kept.map((pair) => pythonTuple(pair)));
  return { text, slices: slices.every((slice) => slice === ":") ? null : slices.slice(0, axes) };
}

const CROP_NOTE = "A padding deeper than the kernel is sliced off afterwards.";

// The weight as a convolution's: flipped, (out_channels, in_channels/groups, *kernel_size).
function groupedWeight({ problem, axes }) {
  const { groups, inChannels, outChannels, kernelSize } = problem;
  const split = pythonTuple([groups, inChannels / groups, outChannels / groups, ...kernelSize]);
  const joined = pythonTuple([outChannels, inChannels / groups, ...kernelSize]);
  return `np.flip(w, ${spatial(axes)}).reshape${split}.swapaxes(1, 2).reshape${joined}`;
}

function laxCall(scene) {
  const facts = factsOf(scene);
  const { problem, axes, bias, unbatched } = facts;
  const padding = laxPadding(facts);
  const letters = lettersOf(axes);
  const dilated = options({
    rhs_dilation: [perAxis(problem.dilation) === "1" ? "1" : pythonTuple(problem.dilation), "1"],
  });
  const grouped = problem.groups > 1;
  const lines = [];
  if (grouped) {
    lines.push(`kernel = ${groupedWeight(facts)}`);
    lines.push(
      called("y = lax.conv_general_dilated", [
        facts.x,
        "kernel",
        pythonTuple(Array(axes).fill(1)),
        padding.text,
        `lhs_dilation=${pythonTuple(problem.stride)}`,
        ...dilated,
        `dimension_numbers=("NC${letters}", "OI${letters}", "NC${letters}")`,
        `feature_group_count=${problem.groups}`,
      ]),
    );
  } else {
    lines.push(
      called("y = lax.conv_transpose", [
        facts.x,
        `np.flip(w, ${spatial(axes)})`,
        pythonTuple(problem.stride),
        padding.text,
        ...dilated,
        `dimension_numbers=("NC${letters}", "IO${letters}", "NC${letters}")`,
      ]),
    );
  }
  if (padding.slices) lines.push(`y = y[:, :, ${padding.slices.join(", ")}]`);
  if (bias) lines.push(`y = y + b.reshape(1, -1${", 1".repeat(axes)})`);
  if (unbatched) lines.push("y = y[0]");
  const note = [
    grouped
      ? "lax.conv_transpose has no groups: this is the convolution it stands for."
      : "The kernel is flipped, and padding counts from the whole kernel.",
    padding.slices ? CROP_NOTE : "",
  ].join(" ");
  return { imports: ["import numpy as np", "from jax import lax"], body: lines.join("\n"), note };
}

function flaxCall(scene) {
  const facts = factsOf(scene);
  const { problem, axes, bias, unbatched, dtype } = facts;
  const padding = laxPadding(facts);
  const grouped = problem.groups > 1;
  const stride = [pythonTuple(problem.stride), pythonTuple(Array(axes).fill(1))];
  const settings = options({
    [grouped ? "input_dilation" : "strides"]: stride,
    padding: [padding.text, ""],
    kernel_dilation: [pythonTuple(problem.dilation), stride[1]],
    feature_group_count: [`${problem.groups}`, "1"],
    use_bias: [bias ? "True" : "False", "True"],
    param_dtype: [`"${dtype}"`, `"float32"`],
  });
  const kernel = grouped
    ? `np.moveaxis(${groupedWeight(facts)}, (1, 0), (-2, -1))`
    : `np.moveaxis(np.flip(w, ${spatial(axes)}), (0, 1), (-2, -1))`;
  const lines = [
    called(`layer = nn.${grouped ? "Conv" : "ConvTranspose"}`, [
      `${problem.outChannels}`,
      pythonTuple(problem.kernelSize),
      ...settings,
    ]),
    `kernel = ${kernel}`,
    `params = {"kernel": kernel${bias ? `, "bias": b` : ""}}`,
    `y = layer.apply({"params": params}, np.moveaxis(${facts.x}, 1, -1))`,
    ...(padding.slices ? [`y = y[:, ${padding.slices.join(", ")}]`] : []),
    `y = np.moveaxis(y, -1, 1)${unbatched ? "[0]" : ""}`,
  ];
  const note = [
    grouped
      ? "flax's ConvTranspose has no groups: this is the Conv it stands for."
      : "Channels are last and the kernel is flipped.",
    padding.slices ? CROP_NOTE : "",
  ].join(" ");
  return {
    imports: ["import numpy as np", "from flax import linen as nn"],
    body: lines.join("\n"),
    note,
  };
}

function onnxCall(scene) {
  const { problem, crops, bias, unbatched, axes } = factsOf(scene);
  const plain = problem.outputPadding.every((ending, axis) => ending < problem.stride[axis]);
  const amounts = plain ? problem.padding : crops;
  const direct = amounts.flat().every((pad) => pad >= 0);
  const ends = (pairs) => [0, 1].flatMap((end) => pairs.map((pair) => pair[end]));
  const attributes = options({
    strides: [listed(problem.stride), ""],
    pads: [direct ? listed(ends(amounts)) : "", ""],
    output_padding: [
      direct && plain && Math.max(...problem.outputPadding) > 0
        ? listed(problem.outputPadding)
        : "",
      "",
    ],
    dilations: [listed(problem.dilation), ""],
    group: [`${problem.groups}`, "1"],
  });
  const inner = bias && direct ? `["x", "w", "b"]` : `["x", "w"]`;
  const nodes = [
    called(
      "helper.make_node",
      [`"ConvTranspose"`, inner, `["${direct ? "y" : "whole"}"]`, ...attributes],
      "    ",
    ) + ",",
  ];
  const held = [`numpy_helper.from_array(w.astype("float32"), "w")`];
  if (!direct) {
    const grown = [0, 1].flatMap((end) => [0, 0, ...crops.map((pair) => -pair[end])]);
    nodes.push(`    helper.make_node("Pad", ["whole", "pads"], ["${bias ? "cropped" : "y"}"]),`);
    held.push(`numpy_helper.from_array(np.array(${listed(grown)}), "pads")`);
    if (bias) nodes.push(`    helper.make_node("Add", ["cropped", "b"], ["y"]),`);
  }
  if (bias) {
    const broadcast = direct ? "" : `.reshape(1, -1${", 1".repeat(axes)})`;
    held.push(`numpy_helper.from_array(b.astype("float32")${broadcast}, "b")`);
  }
  const body = [
    "nodes = [",
    ...nodes,
    "]",
    `x = x${unbatched ? "[None]" : ""}.astype("float32")`,
    `takes = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)`,
    `gives = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * x.ndim)`,
    called("held =", held).replace("held =(", "held = [").replace(/\)$/, "]"),
    `graph = helper.make_graph(nodes, "transposed", [takes], [gives], held)`,
    `model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)`,
    `(y,) = InferenceSession(model.SerializeToString()).run(None, {"x": x})`,
    ...(unbatched ? ["y = y[0]"] : []),
  ];
  const lacking =
    "ONNX's pads are not negative: the whole scatter is computed, then cropped and extended by " +
    "Pad.";
  const folded = plain
    ? ""
    : "ONNX Runtime's output_padding stays below the stride: here it is taken off the pads.";
  const note = direct ? folded : lacking;
  const imports = [
    "import numpy as np",
    "from onnx import TensorProto, helper, numpy_helper",
    "from onnxruntime import InferenceSession",
  ];
  return { imports, body: body.join("\n"), note };
}

// The whole text for one library, and what the reader should know of it.  Only tconv sums
// integers in every form: the others are given floats.
function callText(scene, library) {
  const { imports, body, note = "" } = LIBRARIES[library](scene);
  const numbers = [...scene.x, ...scene.w, ...(scene.b ?? [])];
  const exact = !scene.symbolic && state.dtype.includes("int") && numbers.every(Number.isInteger);
  const dtype = exact && library === "tconv" ? "int64" : factsOf(scene).dtype;
  return { text: [...imports, "", arrayLines(scene, dtype), body].join("\n"), note };
}
