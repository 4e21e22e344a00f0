// The numbers in x, w and b, and what is summed of them.
//
// Values are {mode, seed, bias, given}: mode "given" reads the flat arrays given.x, given.w and
// given.b; "count" is x of ones and w counting from 1; "random" draws small integers that depend
// on the seed and the index alone, so that a larger array keeps the values of a smaller one;
// "symbolic" has names and no numbers.

const MODES = {
  given: "given",
  count: "ones and 1, 2, 3 …",
  random: "random",
  symbolic: "symbolic",
};

// An integer in -4 … 5 without 0, from the seed, the array's letter and an index.
function randomInteger(seed, letter, index) {
  let hash = seed * 2654435761 + letter.charCodeAt(0) * 40503;
  for (const one of index) {
    hash = Math.imul((hash ^ (one + 1)) >>> 0, 2246822519) >>> 0;
    hash = Math.imul(hash ^ (hash >>> 13), 3266489917) >>> 0;
  }
  const drawn = ((hash ^ (hash >>> 16)) >>> 0) % 9;
  return drawn < 4 ? drawn - 4 : drawn - 3;
}

function filled(problem, values, letter, shape) {
  const given = values.mode === "given" ? values.given[letter] : null;
  return range(0, productOf(shape)).map((place) => {
    if (given) return given[place] ?? 0;
    if (values.mode === "random")
      return randomInteger(values.seed, letter, unflatten(place, shape));
    return letter === "w" ? (place % productOf(problem.kernelSize)) + 1 : 1;
  });
}

// The flat arrays {x, w, b} of a problem; b is null without a bias.
function arraysOf(problem, values) {
  return {
    x: filled(problem, values, "x", xShape(problem)),
    w: filled(problem, values, "w", wShape(problem)),
    b: values.bias ? filled(problem, values, "b", [problem.outChannels]) : null,
  };
}

// A flat array of one shape carried to another: what both hold keeps its value, 0 elsewhere.
function resized(flat, from, to) {
  return range(0, productOf(to)).map((place) => {
    const index = unflatten(place, to);
    const held = from.length === to.length && index.every((one, axis) => one < from[axis]);
    return held ? flat[flatten(index, from)] : 0;
  });
}

// One problem with its numbers, as the reader sees it: a sample and an output channel.
class Scene {
  constructor(problem, values, shown) {
    Object.assign(this, { problem, shown, symbolic: values.mode === "symbolic" });
    Object.assign(this, arraysOf(problem, values));
    this.channels = channelsOf(problem, shown.outChannel);
    this.outputSize = outputSize(problem);
    const group = problem.outChannels / problem.groups;
    this.groupOutChannel = shown.outChannel % group;
    this.groupOutChannels = group;
    const one = problem.inChannels === 1 && problem.outChannels === 1;
    this.plainNames = one && (problem.batch ?? 1) === 1;
  }

  xPlace(channel, input) {
    const place = this.shown.sample * this.problem.inChannels + channel;
    return place * productOf(this.problem.inputSize) + flatten(input, this.problem.inputSize);
  }

  wPlace(channel, tap) {
    const place = channel * this.groupOutChannels + this.groupOutChannel;
    return place * productOf(this.problem.kernelSize) + flatten(tap, this.problem.kernelSize);
  }

  bias() {
    return this.b === null ? 0 : this.b[this.shown.outChannel];
  }

  // The products {channel, x, w, product} of one term, one for each channel of the group.
  products({ input, tap }) {
    return this.channels.map((channel) => {
      const [x, w] = [this.x[this.xPlace(channel, input)], this.w[this.wPlace(channel, tap)]];
      return { channel, x, w, product: x * w };
    });
  }

  // What one term adds to its output, over the channels of the group.
  added(term) {
    return this.products(term).reduce((sum, { product }) => sum + product, 0);
  }

  // The value of an output position, inside or cropped; only of inputs that `counted` accepts.
  value(output, counted = () => true) {
    const terms = termsOf(this.problem, { kind: "y", index: output });
    return terms
      .filter(({ input }) => counted(input))
      .reduce((sum, term) => sum + this.added(term), this.bias());
  }

  valueOf({ kind, index }) {
    if (kind === "y") return this.value(index);
    if (kind === "x") return this.x[this.xPlace(this.shown.inChannel, index)];
    return this.w[this.wPlace(this.shown.inChannel, index)];
  }

  // The element as one writes it in Python: x[0, 1], or with its batch and channels.
  name(kind, index, channel = this.shown.inChannel) {
    const batch = this.problem.batch === null ? [] : [this.shown.sample];
    const leading = {
      x: [...batch, channel],
      w: [channel, this.groupOutChannel],
      y: [...batch, this.shown.outChannel],
    }[kind];
    return `${kind}[${[...(this.plainNames ? [] : leading), ...index].join(", ")}]`;
  }
}

// A number for reading: integers whole, others to `digits` digits.
function written(number, digits = 6) {
  if (Number.isNaN(number)) return "nan";
  if (!Number.isFinite(number)) return number < 0 ? "−∞" : "∞";
  const text =
    Number.isInteger(number) && Math.abs(number) < 1e7
      ? `${number}`
      : `${Number(number.toPrecision(digits))}`;
  return text.replace("-", "−");
}

const factor = (number) => (number < 0 ? `(${written(number)})` : written(number));
