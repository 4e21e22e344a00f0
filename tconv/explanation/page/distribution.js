// Distribution: every input stamps a copy of the kernel, a stride further on than the one before.
// On one axis the copies are rows above their sum; on more they lie on the whole scatter.

const distribution = {
  base: (scene) => (isSingle(scene.problem) ? copies(scene) : scatter(scene)),
  marks: (scene, cell) =>
    isSingle(scene.problem) ? copyMarks(scene, cell) : stampMarks(scene, cell),
};

// The last input that has been played, or null where all count.
const playedInput = () =>
  state.player.active && state.player.view === "distribution" && !state.hovered && !state.pinned
    ? state.player.step
    : null;

function countedInputs(problem) {
  const last = playedInput();
  return last === null ? () => true : (input) => flatten(input, problem.inputSize) <= last;
}

const sumRow = (problem) => Math.min(problem.inputSize[0], LONGEST) + 0.35;

function copySquare(scene, { input, tap, output }, lit) {
  const [start] = planeOf(scene.problem, "y").columns;
  const text = scene.symbolic
    ? symbol("x", input) + symbol("w", tap)
    : written(scene.added({ input, tap }), 3);
  const cropped = !isInside(scene.problem, output) && "crop";
  const classes = classesOf("product", cropped, lit && "lit");
  return square(output[0] - start, input[0], { classes, text, key: `y:${output[0]}` });
}

function sumSquare(scene, o, counted, lit) {
  const { problem } = scene;
  const [start] = planeOf(problem, "y").columns;
  const classes = classesOf("y", !isInside(problem, [o]) && "crop", lit && "lit");
  const text = scene.symbolic ? "" : written(scene.value([o], counted), 3);
  return square(o - start, sumRow(problem), { classes, text, key: `y:${o}` });
}

function copies(scene) {
  const { problem } = scene;
  const [start, stop] = planeOf(problem, "y").columns;
  const counted = countedInputs(problem);
  const last = sumRow(problem);
  let body = rowLabel(last, scene.b === null ? "sum" : "sum + b");
  for (const i of range(0, Math.floor(last))) {
    const copied = `${tspan("x", inputText(scene, [i]))}·w`;
    body += rowLabel(i, scene.channels.length === 1 ? copied : `from ${i}`);
    if (!counted([i])) continue;
    for (const term of termsOf(problem, { kind: "x", index: [i] })) {
      if (term.output[0] < stop) body += copySquare(scene, term, false);
    }
  }
  body += range(start, stop)
    .map((o) => sumSquare(scene, o, counted, false))
    .join("");
  const label =
    "distribution: a row for each input, with its copy of the kernel placed a stride of " +
    `${problem.stride[0]} further on, and the sum below`;
  return picture(stop - start, last + 1, label, body, LABEL);
}

function copyMarks(scene, cell) {
  const { problem } = scene;
  const [start, stop] = planeOf(problem, "y").columns;
  const counted = countedInputs(problem);
  const terms = cell ? termsOf(problem, cell) : [];
  const drawn = terms.filter(
    ({ input, output }) => output[0] < stop && input[0] < LONGEST && counted(input),
  );
  const outputs = new Set(drawn.map(({ output }) => output[0]));
  if (cell?.kind === "y") outputs.add(cell.index[0]);
  const size = Math.min(outputSize(problem)[0], stop);
  return (
    drawn.map((term) => copySquare(scene, term, true)).join("") +
    [...outputs].map((o) => sumSquare(scene, o, counted, true)).join("") +
    frame("out", -start, 0, size, sumRow(problem) + 1)
  );
}

// `named` is what stands for the number where there are only letters.
function scatterSquare(
  scene,
  plane,
  index,
  counted,
  { term = null, lit = false, named = "" } = {},
) {
  const { problem } = scene;
  const { rows, columns } = plane;
  const classes = classesOf("y", !isInside(problem, index) && "crop", lit && "lit");
  const added = term && !scene.symbolic ? `+${written(scene.added(term), 3)}` : "";
  return square(index.at(-1) - columns[0], index.at(-2) - rows[0], {
    classes,
    text: scene.symbolic ? named : written(scene.value(index, counted), 3),
    small: added.replace("+−", "−"),
    key: keyOf({ kind: "y", index }),
  });
}

function scatter(scene) {
  const plane = planeOf(scene.problem, "y");
  const counted = countedInputs(scene.problem);
  const body = plotted(plane, (row, column) =>
    scatterSquare(scene, plane, plane.index(row, column), counted),
  );
  const { rows, columns } = plane;
  const label =
    "distribution: the whole scatter with the output framed, and the copies of the kernel that " +
    "the present subject takes part in";
  return picture(columns[1] - columns[0], rows[1] - rows[0], label, body);
}

function stampMarks(scene, cell) {
  const { problem } = scene;
  const plane = planeOf(problem, "y");
  const { rows, columns, leading } = plane;
  const counted = countedInputs(problem);
  const terms = cell
    ? termsOf(problem, cell).filter(({ output }) => sameLeading(output, leading))
    : [];
  let marks = "";
  if (cell?.kind === "y" && sameLeading(cell.index, leading)) {
    marks += scatterSquare(scene, plane, cell.index, counted, { lit: true });
  } else {
    for (const term of terms) {
      if (!within(plane, term.output.at(-2), term.output.at(-1))) continue;
      const named = cell.kind === "x" ? symbol("w", term.tap) : symbol("x", term.input);
      marks += scatterSquare(scene, plane, term.output, counted, { term, lit: true, named });
    }
  }
  marks += outputFrame(problem, plane);
  if (cell?.kind === "w") return marks;
  const last = problem.kernelSize.length - 1;
  for (const input of new Map(terms.map((term) => [term.input.join(), term.input])).values()) {
    const corner = landing(
      problem,
      input,
      input.map(() => 0),
    );
    const [row, column] = [corner.at(-2) - rows[0], corner.at(-1) - columns[0]];
    marks += frame("stamp", column, row, extent(problem, last), extent(problem, last - 1));
  }
  return marks;
}
