// What the reader has chosen, how it is kept in the address, and the cases that people ask about.

const state = {
  problem: null,
  values: null,
  dtype: "float32",
  shown: { sample: 0, inChannel: 0, outChannel: 0, depth: { x: 0, w: 0, y: 0 } },
  linked: true, // one slider moves every axis
  hovered: null, // subjects: {kind: "x" | "w" | "y", index}
  pinned: null,
  player: { view: "distribution", step: 0, active: false },
  scene: null, // the problem with its numbers, null where it is refused
  aloud: false, // whether the next subject is said to a screen reader
};

const CASES = {
  "Why 6, why 12? Ones, and a kernel of 1 … 16":
    "input_size=4,4&kernel_size=4,4&stride=2,2&padding=1:1,1:1&values=count&at=y:0,0",
  "[[2, 4], [0, 1]] and [[3, 1], [1, 5]], stride 1":
    "input_size=2,2&kernel_size=2,2&values=given&x=2,4,0,1&w=3,1,1,5&at=y:1,1",
  "the same, stride 1, padding 1":
    "input_size=2,2&kernel_size=2,2&padding=1:1,1:1&values=given&x=2,4,0,1&w=3,1,1,5&at=y:0,0",
  "the same, stride 2":
    "input_size=2,2&kernel_size=2,2&stride=2,2&values=given&x=2,4,0,1&w=3,1,1,5&at=y:1,3",
  "the same, stride 2, padding 1":
    "input_size=2,2&kernel_size=2,2&stride=2,2&padding=1:1,1:1&values=given&x=2,4,0,1&w=3,1,1,5&at=y:0,1",
  "[[0, 1], [2, 3]] with itself":
    "input_size=2,2&kernel_size=2,2&values=given&x=0,1,2,3&w=0,1,2,3&at=y:1,1",
  "one axis: copies of a kernel, stride 1":
    "input_size=4&kernel_size=3&values=given&x=2,3,0,-1&w=1,2,-1&at=y:2",
  "one axis: copies of a kernel, stride 2":
    "input_size=4&kernel_size=3&stride=2&values=given&x=2,3,0,-1&w=1,2,-1&at=y:2",
  "3 x 3 with two channels, stride 2, padding 1":
    "input_size=3,3&kernel_size=3,3&stride=2,2&padding=1:1,1:1&in_channels=2&values=random&seed=3&at=y:1,1",
  "a checkerboard: kernel 3 at stride 2":
    "input_size=5,5&kernel_size=3,3&stride=2,2&padding=1:1,1:1&output_padding=1,1&values=count&at=y:1,1",
};

// The sliders' bounds for each parameter; a problem from outside may exceed the upper one.
const BOUNDS = {
  inputSize: [1, 8],
  kernelSize: [1, 6],
  stride: [1, 5],
  dilation: [1, 4],
  lo: [-3, 8],
  hi: [-3, 8],
  outputPadding: [0, 4],
};
const LIST_KEYS = {
  input_size: "inputSize",
  kernel_size: "kernelSize",
  stride: "stride",
  dilation: "dilation",
  output_padding: "outputPadding",
};
const COUNT_KEYS = { groups: "groups", in_channels: "inChannels", out_channels: "outChannels" };

// More numbers than a page can show and stay quick.
const MOST = 20000;

function defaultProblem(axes) {
  const all = (value) => Array(axes).fill(value);
  return {
    inputSize: all(4),
    kernelSize: all(3),
    stride: all(1),
    dilation: all(1),
    padding: range(0, axes).map(() => [0, 0]),
    outputPadding: all(0),
    groups: 1,
    inChannels: 1,
    outChannels: 1,
    batch: null,
  };
}

function problemFrom(parameters) {
  return {
    ...Object.fromEntries(
      Object.entries(LIST_KEYS).map(([key, name]) => [name, [...parameters[key]]]),
    ),
    ...Object.fromEntries(Object.entries(COUNT_KEYS).map(([key, name]) => [name, parameters[key]])),
    padding: parameters.padding.map((pair) => [...pair]),
    batch: parameters.batch,
  };
}

// The embedded data as problem and values; numbers that JSON lacks come as strings.
function loadData(data) {
  const flat = (nested) => (nested === null ? null : [nested].flat(Infinity).map(Number));
  const problem = problemFrom(data.parameters);
  const given = { x: flat(data.x), w: flat(data.w), b: flat(data.b) };
  const numbers = given.x && given.w;
  const values = { mode: numbers ? "given" : "symbolic", seed: 1, bias: given.b !== null, given };
  if (!numbers) Object.assign(given, arraysOf(problem, { ...values, mode: "count" }));
  state.dtype = data.dtype;
  take(problem, values, null);
}

function take(problem, values, pinned) {
  const fits = (size, limit) => Math.max(0, Math.min(size, limit - 1));
  const { sample, inChannel, outChannel } = state.shown;
  state.shown.sample = fits(sample, problem.batch ?? 1);
  state.shown.outChannel = fits(outChannel, problem.outChannels);
  state.shown.inChannel = fits(inChannel, problem.inChannels);
  if (!refusalOf(problem)) {
    const channels = channelsOf(problem, state.shown.outChannel);
    if (!channels.includes(state.shown.inChannel)) state.shown.inChannel = channels[0];
  }
  Object.assign(state, { problem, values, pinned, hovered: null });
  state.player.active = false;
  state.player.step = 0;
}

// The same numbers for a changed problem.
function reshape(problem) {
  const { values } = state;
  let { given } = values;
  if (values.mode === "given" && !refusalOf(problem)) {
    const carried = (letter, shape) =>
      letter in grown ? resized(grown[letter].flat, grown[letter].shape, shape) : given[letter];
    given = { x: carried("x", xShape(problem)), w: carried("w", wShape(problem)), b: given.b };
    if (given.b) given.b = resized(given.b, [given.b.length], [problem.outChannels]);
  }
  take(problem, { ...values, given }, keptPin(problem));
}

// The arrays as they were last edited or given, from which every later shape is cut, so that a
// slider that comes back brings the numbers back.
let grown = {};

function remember() {
  const { problem, values } = state;
  if (values.mode !== "given" || refusalOf(problem)) return;
  grown = {
    x: { flat: values.given.x, shape: xShape(problem) },
    w: { flat: values.given.w, shape: wShape(problem) },
  };
}

// The pinned subject, if the changed problem still has it.
function keptPin(problem) {
  const { pinned } = state;
  if (!pinned || pinned.index.length !== problem.kernelSize.length || refusalOf(problem))
    return null;
  const held = (one, axis) => {
    const [start, stop] = {
      x: [0, problem.inputSize[axis]],
      w: [0, problem.kernelSize[axis]],
      y: canvasOf(problem, axis),
    }[pinned.kind];
    return one >= start && one < stop;
  };
  return pinned.index.every(held) ? pinned : null;
}

// A problem on another number of axes: axes are repeated or dropped.
function onAxes(problem, axes) {
  const fit = (entries) =>
    range(0, axes).map((axis) => entries[Math.min(axis, entries.length - 1)]);
  const changed = { ...problem };
  for (const name of Object.values(LIST_KEYS)) changed[name] = fit(problem[name]);
  changed.padding = fit(problem.padding).map((pair) => [...pair]);
  return changed;
}

// The part of the address after #: every parameter under the library's name for it.
function writeHash() {
  const { problem, values, pinned } = state;
  const parts = Object.entries(LIST_KEYS).map(([key, name]) => `${key}=${problem[name].join(",")}`);
  parts.push(`padding=${problem.padding.map((pair) => pair.join(":")).join(",")}`);
  for (const [key, name] of Object.entries(COUNT_KEYS))
    if (problem[name] !== 1) parts.push(`${key}=${problem[name]}`);
  if (problem.batch !== null) parts.push(`batch=${problem.batch}`);
  parts.push(`values=${values.mode}`);
  if (values.mode === "random") parts.push(`seed=${values.seed}`);
  if (values.mode === "given")
    for (const letter of ["x", "w"]) parts.push(`${letter}=${values.given[letter].join(",")}`);
  if (values.bias) parts.push(values.mode === "given" ? `b=${values.given.b.join(",")}` : "bias=1");
  if (state.dtype !== "float32") parts.push(`dtype=${state.dtype}`);
  const { sample, inChannel, outChannel } = state.shown;
  if (sample || inChannel || outChannel) parts.push(`shown=${sample},${inChannel},${outChannel}`);
  if (pinned) parts.push(`at=${pinned.kind}:${pinned.index.join(",")}`);
  return parts.join("&");
}

// Takes the state from such a text; false where it holds no problem.
function readHash(text) {
  const entries = new Map(
    text
      .replace(/^#/, "")
      .split("&")
      .map((part) => part.split("=")),
  );
  const integers = (part) => part.split(",").map((one) => parseInt(one, 10));
  const numbers = (part) => part.split(",").map(Number);
  if (!/^\d+(,\d+)*$/.test(entries.get("input_size") ?? "")) return false;
  const axes = integers(entries.get("input_size")).length;
  const problem = defaultProblem(axes);
  const sound = (list) => list.length === axes && list.every(Number.isInteger);
  for (const [key, name] of Object.entries(LIST_KEYS)) {
    if (entries.has(key)) problem[name] = integers(entries.get(key));
    if (!sound(problem[name])) return false;
  }
  if (entries.has("padding")) {
    problem.padding = entries
      .get("padding")
      .split(",")
      .map((pair) => pair.split(":").map((one) => parseInt(one, 10)));
    if (!sound(problem.padding.map(([lo]) => lo)) || !sound(problem.padding.map(([, hi]) => hi)))
      return false;
  }
  for (const [key, name] of Object.entries(COUNT_KEYS)) {
    if (entries.has(key)) problem[name] = parseInt(entries.get(key), 10);
    if (!Number.isInteger(problem[name])) return false;
  }
  if (entries.has("batch")) problem.batch = parseInt(entries.get("batch"), 10) || 1;
  const mode = entries.get("values") in MODES ? entries.get("values") : "count";
  const bias = entries.has("b") || entries.get("bias") === "1";
  const values = { mode, seed: parseInt(entries.get("seed"), 10) || 1, bias, given: {} };
  if (!refusalOf(problem) && !obstacleOf(problem)) {
    values.given = arraysOf(problem, { ...values, mode: "count" });
    for (const letter of ["x", "w", "b"]) {
      const list = entries.has(letter) ? numbers(entries.get(letter)) : null;
      if (mode === "given" && list?.length === values.given[letter]?.length)
        values.given[letter] = list;
    }
  }
  const [kind, place] = (entries.get("at") ?? "").split(":");
  state.dtype = entries.get("dtype") ?? "float32";
  const shown = entries.has("shown")
    ? integers(entries.get("shown")).map((one) => one || 0)
    : [0, 0, 0];
  Object.assign(state.shown, {
    sample: shown[0],
    inChannel: shown[1] ?? 0,
    outChannel: shown[2] ?? 0,
  });
  state.pinned = "xwy".includes(kind || "-") ? { kind, index: integers(place ?? "") } : null;
  take(problem, values, keptPin(problem));
  return true;
}

// Why a valid problem cannot be drawn, or null.
function obstacleOf(problem) {
  const counts = [xShape(problem), wShape(problem), yShape(problem)].map(productOf);
  if (counts.includes(0)) return "These arrays are empty: there is nothing to show.";
  if (Math.max(...counts) <= MOST) return null;
  return (
    "These arrays hold more numbers than a page can show. tconv.explain(x, w, ...).text(index) " +
    "tells of any output."
  );
}

// What is explained now, and where the subject came from.
function subject() {
  if (state.hovered) return state.hovered;
  if (state.pinned) return state.pinned;
  return state.player.active ? playedSubject() : null;
}

const playedShape = () =>
  state.player.view === "distribution" ? state.problem.inputSize : outputSize(state.problem);

const playedSubject = () => ({
  kind: state.player.view === "distribution" ? "x" : "y",
  index: unflatten(state.player.step, playedShape()),
});
