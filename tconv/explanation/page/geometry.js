// The geometry of a transposed convolution: no values and no document.
//
// On every axis an input position i, a tap t and an output position o belong together when
//     i * stride + t * dilation - lo === o
// Positions o below 0 or past the end of the output are those that the padding crops.
//
// A problem is {inputSize, kernelSize, stride, padding, outputPadding, dilation}, each an array
// with one entry an axis (padding: [lo, hi]), and the numbers {groups, inChannels, outChannels,
// batch}; batch is null where x has no batch axis.

const range = (start, stop) =>
  Array.from({ length: Math.max(0, stop - start) }, (_, n) => start + n);
const productOf = (numbers) => numbers.reduce((all, one) => all * one, 1);
const axesOf = (problem) => range(0, problem.kernelSize.length);

// Every way to take one element of each list, the last list running fastest.
function combinations(lists) {
  return lists.reduce(
    (all, list) => all.flatMap((head) => list.map((one) => [...head, one])),
    [[]],
  );
}

// The place of an index in an array of this shape, row by row.
const flatten = (index, shape) => index.reduce((place, one, axis) => place * shape[axis] + one, 0);

function unflatten(place, shape) {
  const index = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(place % shape[axis]);
    place = Math.floor(place / shape[axis]);
  }
  return index;
}

// Positions that the dilated kernel spans.
const extent = (problem, axis) => problem.dilation[axis] * (problem.kernelSize[axis] - 1) + 1;

// Positions of the whole scatter, before anything is cropped.
const scatterSize = (problem, axis) =>
  (problem.inputSize[axis] - 1) * problem.stride[axis] + extent(problem, axis);

function outputSizeOf(problem, axis) {
  const [lo, hi] = problem.padding[axis];
  return scatterSize(problem, axis) - lo - hi + problem.outputPadding[axis];
}

const outputSize = (problem) => axesOf(problem).map((axis) => outputSizeOf(problem, axis));

// Output positions to draw, [start, stop): the output and all that padding crops of the scatter.
function canvasOf(problem, axis) {
  const [lo] = problem.padding[axis];
  return [Math.min(0, -lo), Math.max(outputSizeOf(problem, axis), scatterSize(problem, axis) - lo)];
}

// The same in the coordinates of the zero-inserted input, where input i lies at i * stride and
// output o reads the positions o + lo - t * dilation.
function spreadOf(problem, axis) {
  const [start, stop] = canvasOf(problem, axis);
  const [lo] = problem.padding[axis];
  const last = (problem.inputSize[axis] - 1) * problem.stride[axis] + 1;
  return [Math.min(0, start + lo - extent(problem, axis) + 1), Math.max(last, stop + lo)];
}

// Positions of the zero-inserted input that some output reads, [start, stop).
function readOf(problem, axis) {
  const [lo] = problem.padding[axis];
  return [lo - extent(problem, axis) + 1, lo + outputSizeOf(problem, axis)];
}

const isInside = (problem, output) =>
  output.every((o, axis) => o >= 0 && o < outputSizeOf(problem, axis));

// The pairs [i, t] of one axis that reach the output position o, in the order of i.
function pairsAt(problem, axis, o) {
  const pairs = [];
  for (let i = 0; i < problem.inputSize[axis]; i++) {
    const rest = o + problem.padding[axis][0] - i * problem.stride[axis];
    const t = rest / problem.dilation[axis];
    if (Number.isInteger(t) && t >= 0 && t < problem.kernelSize[axis]) pairs.push([i, t]);
  }
  return pairs;
}

const landing = (problem, input, tap) =>
  input.map((i, a) => i * problem.stride[a] + tap[a] * problem.dilation[a] - problem.padding[a][0]);

// The terms {input, tap, output} of an output, of an input or of a tap, by the kind of the
// subject: "y", "x" or "w".
function termsOf(problem, { kind, index }) {
  if (kind === "y") {
    const pairs = combinations(index.map((o, axis) => pairsAt(problem, axis, o)));
    return pairs.map((pair) => ({
      input: pair.map(([i]) => i),
      tap: pair.map(([, t]) => t),
      output: index,
    }));
  }
  const others = combinations(
    (kind === "x" ? problem.kernelSize : problem.inputSize).map((size) => range(0, size)),
  );
  return others.map((other) => {
    const [input, tap] = kind === "x" ? [index, other] : [other, index];
    return { input, tap, output: landing(problem, input, tap) };
  });
}

// How many products of one channel land on an output position.
const coverageAt = (problem, output) =>
  productOf(output.map((o, axis) => pairsAt(problem, axis, o).length));

const modulo = (number, by) => ((number % by) + by) % by;

// The phases of one axis as they are seen in the output: outputs o = phase (mod stride), and the
// taps that reach them.
function phasesOf(problem, axis) {
  const [stride, dilation] = [problem.stride[axis], problem.dilation[axis]];
  return range(0, stride).map((phase) => {
    const rest = modulo(phase + problem.padding[axis][0], stride);
    const taps = range(0, problem.kernelSize[axis]);
    return taps.filter((tap) => modulo(tap * dilation, stride) === rest);
  });
}

const phaseAt = (problem, output) => output.map((o, axis) => modulo(o, problem.stride[axis]));

// The input channels whose products an output channel sums.
function channelsOf(problem, outChannel) {
  const group = Math.floor(outChannel / (problem.outChannels / problem.groups));
  const size = problem.inChannels / problem.groups;
  return range(group * size, (group + 1) * size);
}

const xShape = (problem) => [
  ...(problem.batch === null ? [] : [problem.batch]),
  problem.inChannels,
  ...problem.inputSize,
];
const wShape = (problem) => [
  problem.inChannels,
  Math.floor(problem.outChannels / problem.groups),
  ...problem.kernelSize,
];
const yShape = (problem) => [
  ...(problem.batch === null ? [] : [problem.batch]),
  problem.outChannels,
  ...outputSize(problem),
];

const pythonTuple = (numbers) =>
  numbers.length === 1 ? `(${numbers[0]},)` : `(${numbers.join(", ")})`;

// The sentence with which the library refuses a problem, word for word, or null.
function refusalOf(problem) {
  const axes = axesOf(problem);
  const fail = (argument, axis, rule, got, remedy) =>
    `${argument}${axis === null ? "" : `, spatial axis ${axis}`}: ${rule}; got ${got}. ${remedy}`;
  for (const [argument, entries] of [
    ["stride", problem.stride],
    ["dilation", problem.dilation],
  ]) {
    const axis = entries.findIndex((entry) => entry < 1);
    if (axis >= 0) {
      const remedy = `Use ${argument}=1 for none.`;
      return fail(argument, axis, "must be at least 1", entries[axis], remedy);
    }
  }
  const { groups, inChannels, outChannels } = problem;
  if (groups < 1) {
    return fail("groups", null, "must be at least 1", groups, "Use groups=1 for a dense kernel.");
  }
  for (const [name, channels] of [
    ["in_channels", inChannels],
    ["out_channels", outChannels],
  ]) {
    if (channels % groups) {
      const [got, remedy] = [
        `${name}=${channels}, groups=${groups}`,
        "Choose a divisor of the channel count.",
      ];
      return fail("groups", null, `must divide ${name}`, got, remedy);
    }
  }
  for (const [argument, what, sizes, shape] of [
    ["x", "input size", problem.inputSize, xShape(problem)],
    ["w", "kernel size", problem.kernelSize, wShape(problem)],
  ]) {
    const axis = sizes.findIndex((size) => size < 1);
    if (axis >= 0) {
      const got = `${sizes[axis]} in shape ${pythonTuple(shape)}`;
      const remedy = "Only the batch and the channels may be empty.";
      return fail(argument, axis, `the ${what} must be at least 1`, got, remedy);
    }
  }
  for (const axis of axes) {
    const [ending, stride, dilation] = [
      problem.outputPadding[axis],
      problem.stride[axis],
      problem.dilation[axis],
    ];
    const limit = Math.max(stride, dilation);
    if (ending < 0 || ending >= limit) {
      return fail(
        "output_padding",
        axis,
        `must satisfy 0 <= output_padding < max(stride, dilation) = ${limit}`,
        `output_padding=${ending}, stride=${stride}, dilation=${dilation}`,
        "To extend the output further, give padding as a pair with a smaller high side.",
      );
    }
  }
  for (const axis of axes) {
    if (outputSizeOf(problem, axis) < 1) {
      return fail(
        "output size",
        axis,
        "(input - 1)*stride + dilation*(kernel_size - 1) + 1 - lo - hi + output_padding " +
          "must be at least 1",
        sizeWithNumbers(problem, axis),
        "Use less padding or a larger input.",
      );
    }
  }
  return null;
}

// The size formula of one axis with the numbers filled in, as the library writes it.
function sizeWithNumbers(problem, axis) {
  const at = (name) => problem[name][axis];
  const [lo, hi] = at("padding");
  return (
    `(${at("inputSize")} - 1)*${at("stride")} + ${at("dilation")}*(${at("kernelSize")} - 1) + 1 ` +
    `- ${lo} - ${hi} + ${at("outputPadding")} = ${outputSizeOf(problem, axis)}`
  );
}
