// The pictures that count rather than place: the matrix with its row, and the phases.

// The matrix of the transposed convolution: a row an output, a column an input. Rows that the
// padding crops are hatched; beside it stands the row of the present output, folded like x.
const matrix = {
  base(scene) {
    const { outputs, inputs, at, wide, tall } = tableOf(scene.problem);
    const legible = Math.min(wide, tall) >= 20;
    let [grounds, entries, texts] = ["", "", ""];
    outputs.forEach((output, row) => {
      const key = keyOf({ kind: "y", index: output });
      const classes = classesOf("row", !isInside(scene.problem, output) && "crop");
      grounds += at(row, 0, 1, inputs.size, classes, ` data-key="${key}"`);
      for (const { input, tap } of termsOf(scene.problem, { kind: "y", index: output })) {
        const column = inputs.get(input.join());
        if (column === undefined) continue;
        entries += `M${column * wide} ${row * tall}h${wide}v${tall}h${-wide}z`;
        if (legible) texts += entryText(scene, tap, row, column, wide, tall);
      }
    });
    const label =
      `matrix: ${outputs.length} rows, one for each output and cropped position, by ` +
      `${inputs.size} columns, one for each input`;
    const edge = at(0, 0, outputs.length, inputs.size, "frame edge");
    const body = `${grounds}<path class="entry" d="${entries}"/>${texts}${edge}`;
    const whole = drawing(inputs.size * wide, outputs.length * tall, label, body);
    return `<div class="beside"><div class="overview">${whole}</div><div id="folded"></div></div>`;
  },

  marks(scene, cell) {
    $("#folded").innerHTML = foldedRow(scene, cell);
    if (!cell) return "";
    const { outputs, inputs, rows, at, wide, tall } = tableOf(scene.problem);
    const legible = Math.min(wide, tall) >= 20;
    let marks = "";
    if (cell.kind === "y" && rows.has(cell.index.join())) {
      marks += at(rows.get(cell.index.join()), 0, 1, inputs.size, "row lit");
    }
    for (const { input, tap, output } of termsOf(scene.problem, cell)) {
      const [row, column] = [rows.get(output.join()), inputs.get(input.join())];
      if (row === undefined || column === undefined) continue;
      marks += at(row, column, 1, 1, "entry lit");
      if (legible) marks += entryText(scene, tap, row, column, wide, tall);
    }
    if (cell.kind === "x" && inputs.has(cell.index.join())) {
      marks += at(0, inputs.get(cell.index.join()), outputs.length, 1, "frame stamp");
    }
    return marks;
  },
};

// The rows and columns that are drawn, the size of an entry in pixels, and its rectangle.
function tableOf(problem) {
  const indices = ({ rows, columns, index }) =>
    combinations([range(rows[0], rows[1]), range(columns[0], columns[1])]).map((one) =>
      index(...one),
    );
  const places = (all) => new Map(all.map((index, place) => [index.join(), place]));
  const outputs = indices(planeOf(problem, "y"));
  const inputs = places(indices(planeOf(problem, "x")));
  const wide = Math.max(2, Math.min(24, 200 / inputs.size));
  const tall = Math.max(1, Math.min(24, 336 / outputs.length));
  const at = (row, column, height, width, classes, more = "") =>
    `<rect class="${classes}" x="${column * wide}" y="${row * tall}" ` +
    `width="${width * wide}" height="${height * tall}"${more}/>`;
  return { outputs, inputs, rows: places(outputs), wide, tall, at };
}

function entryText(scene, tap, row, column, wide, tall) {
  const [x, y] = [(column + 0.5) * wide, (row + 0.54) * tall];
  return `<text x="${x}" y="${y}" font-size="${tall * 0.45}">${tapText(scene, tap)}</text>`;
}

function foldedRow(scene, cell) {
  if (cell?.kind !== "y") {
    const hint = "Choose an output to see its row. A column is an input's copy of the kernel.";
    return `<p class="hint">${hint}</p>`;
  }
  const plane = planeOf(scene.problem, "x");
  const { rows, columns } = plane;
  const terms = termsOf(scene.problem, cell);
  const taps = new Map(terms.map(({ input, tap }) => [input.join(), tap]));
  const body = plotted(plane, (row, column) => {
    const input = plane.index(row, column);
    const tap = taps.get(input.join());
    return square(column, row, {
      classes: tap ? "w lit" : "zero",
      text: tap ? tapText(scene, tap) : "0",
    });
  });
  const name = scene.name("y", cell.index);
  const label = `the row of ${name}, folded to the shape of x`;
  const drawn = picture(columns[1] - columns[0], rows[1] - rows[0], label, body);
  const title = `row ${span("y", name)}, folded like ${span("x", "x")}`;
  return `<figure><figcaption>${title}</figcaption>${drawn}</figure>`;
}

// Phases: outputs a stride apart read the same taps. The number in a cell is how many products
// land on it, its coverage.
const phases = {
  base(scene) {
    const plane = planeOf(scene.problem, "y");
    const { rows, columns } = plane;
    const body = plotted(plane, (row, column) =>
      phaseSquare(scene.problem, plane, plane.index(row, column)),
    );
    const label =
      "phases: outputs of one colour read the same taps; the number is how many products land " +
      "there";
    const drawn = picture(columns[1] - columns[0], rows[1] - rows[0], label, body);
    return drawn + phaseList(scene.problem) + coverageNote(scene.problem);
  },

  marks(scene, cell) {
    const { problem } = scene;
    const plane = planeOf(problem, "y");
    const { rows, columns, leading } = plane;
    const framed = outputFrame(problem, plane);
    if (cell?.kind !== "y" || !sameLeading(cell.index, leading)) return framed;
    const own = phaseAt(problem, cell.index).join();
    const siblings = plotted(plane, (row, column) => {
      const index = plane.index(row, column);
      const belongs = isInside(problem, index) && phaseAt(problem, index).join() === own;
      return belongs ? phaseSquare(problem, plane, index, true) : "";
    });
    const [row, column] = [rowOf(cell.index) - rows[0], cell.index.at(-1) - columns[0]];
    return siblings + framed + frame("chosen", column, row, 1, 1);
  },
};

function phaseSquare(problem, { rows, columns }, index, lit = false) {
  const phase = `phase p${flatten(phaseAt(problem, index), problem.stride) % 9}`;
  return square(index.at(-1) - columns[0], rowOf(index) - rows[0], {
    classes: classesOf(isInside(problem, index) ? phase : "crop", lit && "lit"),
    text: coverageAt(problem, index),
    key: keyOf({ kind: "y", index }),
  });
}

function phaseList(problem) {
  const lists = axesOf(problem).map((axis) => {
    const stride = problem.stride[axis];
    const items = phasesOf(problem, axis).map((taps, phase) => {
      const which = stride === 1 ? "every o" : `o ≡ ${phase} (mod ${stride})`;
      const named = `${taps.length === 1 ? "tap" : "taps"} ${taps.join(", ")}`;
      return `<li>${which}: ${span("w", taps.length ? named : "no tap")}</li>`;
    });
    const title = isSingle(problem) ? "" : `<span class="faint">axis ${axis}</span>`;
    return `<div>${title}<ul>${items.join("")}</ul></div>`;
  });
  return `<div class="phase-list">${lists.join("")}</div>`;
}

function coverageNote(problem) {
  const counts = axesOf(problem).map((axis) =>
    range(0, outputSizeOf(problem, axis)).map((o) => pairsAt(problem, axis, o).length),
  );
  const least = productOf(counts.map((all) => Math.min(...all)));
  const most = productOf(counts.map((all) => Math.max(...all)));
  const many = least === most && most === 1 ? "product" : "products";
  const sum =
    least === most
      ? `Every output is the sum of ${most}`
      : `An output is the sum of ${least} to ${most}`;
  const uneven = axesOf(problem).some(
    (axis) => new Set(phasesOf(problem, axis).map((taps) => taps.length)).size > 1,
  );
  const verdict = uneven
    ? " Phases differ in their number of taps: the pattern of a checkerboard."
    : "";
  return `<p class="note">${sum} ${many} a channel.${verdict}</p>`;
}

const VIEWS = { distribution, collection, matrix, phases };
