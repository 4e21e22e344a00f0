// Collection: the zero-inserted input, over which the flipped kernel slides one step an output.
// Positions that no output reads, because the padding crops the outputs that would, are hatched.

const collection = {
  base: spreadBase,
  marks: (scene, cell) =>
    isSingle(scene.problem) ? rulerMarks(scene, cell) : windowMarks(scene, cell),
};

const spreadPlane = (problem) => planeOf(problem, "x", (_, __, axis) => spreadOf(problem, axis));

// The axes that are drawn, the last one or two.
const drawnAxes = (problem) => axesOf(problem).slice(isSingle(problem) ? 0 : -2);

// What stands at a position of one axis: the input there, a "zero" between two, or "pad".
function standing(problem, axis, place) {
  const i = place / problem.stride[axis];
  if (i < 0 || i > problem.inputSize[axis] - 1) return "pad";
  return Number.isInteger(i) ? i : "zero";
}

function spreadSquare(scene, place, { tap = null, lit = false } = {}) {
  const { problem } = scene;
  const plane = spreadPlane(problem);
  const drawn = drawnAxes(problem);
  const at = place.map((one, n) => standing(problem, drawn[n], one));
  const input = at.every(Number.isInteger) ? [...plane.leading, ...at] : null;
  const unread = drawn.some((axis, n) => {
    const [start, stop] = readOf(problem, axis);
    return place[n] < start || place[n] >= stop;
  });
  const kind = input ? "x" : at.includes("pad") ? "pad" : "zero";
  return square(place.at(-1) - plane.columns[0], rowOf(place) - plane.rows[0], {
    classes: classesOf(kind, unread && "crop", tap && "tapped", input && lit && "lit"),
    text: input ? inputText(scene, input) : "0",
    small: tap && !isSingle(problem) ? tapText(scene, tap) : "",
    key: input && keyOf({ kind: "x", index: input }),
  });
}

function spreadBase(scene) {
  const { problem } = scene;
  const plane = spreadPlane(problem);
  const { rows, columns } = plane;
  const single = isSingle(problem);
  let body = plotted(plane, (row, column) =>
    spreadSquare(scene, single ? [column] : [row, column]),
  );
  if (single) body += rowLabel(0, "input") + rowLabel(1.25, "kernel") + rowLabel(2.25, "product");
  const label =
    "collection: the input with zeros inserted and around it, and the flipped kernel over what " +
    "the present output reads";
  const height = single ? 3.25 : rows[1] - rows[0];
  return picture(columns[1] - columns[0], height, label, body, single ? LABEL : 0);
}

// The last position that an output reads, on each axis.
const windowEnd = (problem, output) => output.map((o, axis) => o + problem.padding[axis][0]);

// The positions of the drawn axes that an output reads, each with its tap; none where the shown
// slices of three axes do not meet.
function windowOf(problem, output) {
  const drawn = drawnAxes(problem);
  const end = windowEnd(problem, output);
  const { depth } = state.shown;
  const deep = problem.kernelSize.length === 3;
  if (deep && end[0] - depth.x * problem.stride[0] !== depth.w * problem.dilation[0]) return [];
  const taps = combinations(drawn.map((axis) => range(0, problem.kernelSize[axis])));
  return taps.map((tap) => ({
    place: tap.map((t, n) => end[drawn[n]] - t * problem.dilation[drawn[n]]),
    tap: [...(deep ? [depth.w] : []), ...tap],
  }));
}

// The inputs of a subject, lit.
function litInputs(scene, cell) {
  const { problem } = scene;
  const plane = spreadPlane(problem);
  const drawn = drawnAxes(problem);
  const terms = cell ? termsOf(problem, cell) : [];
  const inputs = new Map(terms.map(({ input }) => [input.join(), input]));
  const shown = [...inputs.values()].filter((input) => sameLeading(input, plane.leading));
  const places = shown.map((input) => drawn.map((axis) => input[axis] * problem.stride[axis]));
  return places
    .filter((place) => within(plane, rowOf(place), place.at(-1)))
    .map((place) => spreadSquare(scene, place, { lit: true }))
    .join("");
}

function windowMarks(scene, cell) {
  const { problem } = scene;
  const plane = spreadPlane(problem);
  const { rows, columns } = plane;
  if (cell?.kind !== "y") return litInputs(scene, cell);
  const taps = windowOf(problem, cell.index);
  let marks = "";
  for (const { place, tap } of taps) {
    if (within(plane, ...place)) marks += spreadSquare(scene, place, { tap, lit: true });
  }
  if (!taps.length) return marks;
  const [down, across] = drawnAxes(problem);
  const end = windowEnd(problem, cell.index);
  const [row, column] = [down, across].map((axis) => end[axis] - extent(problem, axis) + 1);
  const [height, width] = [extent(problem, down), extent(problem, across)];
  return marks + frame("window", column - columns[0], row - rows[0], width, height);
}

// On one axis the kernel and the products stand below the input.
function rulerMarks(scene, cell) {
  const { problem } = scene;
  const plane = spreadPlane(problem);
  const [start, stop] = plane.columns;
  if (cell?.kind !== "y") return litInputs(scene, cell);
  let marks = "";
  for (const { place, tap } of windowOf(problem, cell.index)) {
    if (place[0] >= stop) continue;
    const i = standing(problem, 0, place[0]);
    const read = Number.isInteger(i);
    const column = place[0] - start;
    const product = read
      ? scene.valueOf({ kind: "x", index: [i] }) * scene.valueOf({ kind: "w", index: tap })
      : 0;
    const named = read ? symbol("x", [i]) + symbol("w", tap) : "0";
    marks += spreadSquare(scene, place, { tap, lit: true });
    marks += square(column, 1.25, { classes: "w lit", text: tapText(scene, tap) });
    marks += square(column, 2.25, {
      classes: classesOf("product", read && "lit"),
      text: scene.symbolic ? named : written(product, 3),
    });
  }
  const span = extent(problem, 0);
  const column = windowEnd(problem, cell.index)[0] - span + 1 - start;
  return marks + frame("window", column, 0, span, 3.25);
}
