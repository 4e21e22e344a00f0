// The pictures that count rather than place: the matrix with its row, and the phases.

// The matrix of the transposed convolution: a row an output, a column an input. Rows that the
// padding crops are hatched; beside it stands the row of the present output, folded like x.
function matrix(scene, cell) {
  const { problem } = scene;
  const [outs, ins] = [planeOf(problem, "y"), planeOf(problem, "x")];
  const cells = ({ rows, columns, index }) =>
    combinations([range(rows[0], rows[1]), range(columns[0], columns[1])]).map(([r, c]) =>
      index(r, c),
    );
  const [outputs, inputs] = [cells(outs), cells(ins)];
  const wide = Math.max(2, Math.min(24, 200 / inputs.length));
  const tall = Math.max(2, Math.min(24, 336 / outputs.length));
  const column = new Map(inputs.map((input, place) => [input.join(), place]));
  const rect = (classes, x, y, width, height) =>
    `<rect class="${classes}" x="${x * wide}" y="${y * tall}" width="${width * wide}" height="${height * tall}"/>`;
  let [body, marks] = ["", ""];
  outputs.forEach((output, row) => {
    const key = keyOf({ kind: "y", index: output });
    const chosen = cell?.kind === "y" && keyOf(cell) === key;
    const ground = `row${isInside(problem, output) ? "" : " crop"}${chosen ? " lit" : ""}`;
    body += `<g data-key="${key}">${rect(ground, 0, row, inputs.length, 1)}`;
    for (const term of termsOf(problem, { kind: "y", index: output })) {
      const place = column.get(term.input.join());
      if (place === undefined) continue;
      body += rect(`entry${isLitTerm(term, cell) ? " lit" : ""}`, place, row, 1, 1);
      if (Math.min(wide, tall) >= 20) {
        body += `<text class="number" x="${(place + 0.5) * wide}" y="${(row + 0.54) * tall}" font-size="${tall * 0.45}">${tapText(scene, term.tap)}</text>`;
      }
    }
    body += "</g>";
  });
  if (cell?.kind === "x" && column.has(cell.index.join())) {
    marks += rect("frame stamp", column.get(cell.index.join()), 0, 1, outputs.length);
  }
  const label = `matrix: ${outputs.length} rows, one for each output and cropped position, by ${inputs.length} columns, one for each input`;
  const edge = rect("frame edge", 0, 0, inputs.length, outputs.length);
  const whole = drawing(inputs.length * wide, outputs.length * tall, label, body + edge + marks);
  return `<div class="beside"><div class="overview">${whole}</div>${foldedRow(scene, cell, ins)}</div>`;
}

function foldedRow(scene, cell, plane) {
  if (cell?.kind !== "y") {
    return `<p class="hint">Choose an output to see its row. A column is an input's copy of the kernel.</p>`;
  }
  const { rows, columns, index } = plane;
  const taps = new Map(termsOf(scene.problem, cell).map(({ input, tap }) => [input.join(), tap]));
  let body = "";
  for (const row of range(rows[0], rows[1])) {
    for (const column of range(columns[0], columns[1])) {
      const input = index(row, column);
      const tap = taps.get(input.join());
      const text = tap ? tapText(scene, tap) : "0";
      const key = keyOf({ kind: "x", index: input });
      body += square(column, row, { classes: tap ? "w lit" : "zero", text, key });
    }
  }
  const name = scene.name("y", cell.index);
  const label = `the row of ${name}, folded to the shape of x`;
  const drawn = picture(columns[1] - columns[0], rows[1] - rows[0], label, body, { unit: 32 });
  return `<figure class="folded"><figcaption>row ${span("y", name)}, folded like ${span("x", "x")}</figcaption>${drawn}</figure>`;
}

// Phases: outputs a stride apart read the same taps. The number in a cell is how many products
// land on it, its coverage.
function phases(scene, cell) {
  const { problem } = scene;
  const plane = planeOf(problem, "y");
  const { rows, columns } = plane;
  const own = cell?.kind === "y" ? phaseAt(problem, cell.index).join() : null;
  let body = "";
  for (const row of range(rows[0], rows[1])) {
    for (const column of range(columns[0], columns[1])) {
      const index = plane.index(row, column);
      const inside = isInside(problem, index);
      const phase = phaseAt(problem, index);
      const classes = inside ? `phase p${flatten(phase, problem.stride) % 9}` : "crop";
      const dim = inside && own !== null && phase.join() !== own ? " dim" : "";
      const key = keyOf({ kind: "y", index });
      const text = coverageAt(problem, index);
      body += square(column - columns[0], row - rows[0], { classes: classes + dim, text, key });
    }
  }
  body += outputFrame(problem, plane);
  if (own !== null && sameLeading(cell.index, plane.leading)) {
    body += frame("chosen", cell.index.at(-1) - columns[0], rowOf(cell.index) - rows[0], 1, 1);
  }
  const drawn = picture(
    columns[1] - columns[0],
    rows[1] - rows[0],
    "phases: outputs of one colour read the same taps; the number is how many products land there",
    body,
  );
  return drawn + phaseList(problem);
}

function phaseList(problem) {
  const lists = axesOf(problem).map((axis) => {
    const items = phasesOf(problem, axis).map((taps, phase) => {
      const which =
        problem.stride[axis] === 1 ? "every o" : `o ≡ ${phase} (mod ${problem.stride[axis]})`;
      const what = taps.length
        ? `${taps.length === 1 ? "tap" : "taps"} ${taps.join(", ")}`
        : "no tap";
      return `<li>${which}: ${span("w", what)}</li>`;
    });
    const title = problem.kernelSize.length === 1 ? "" : `<span class="faint">axis ${axis}</span>`;
    return `<div>${title}<ul>${items.join("")}</ul></div>`;
  });
  return `<div class="phase-list">${lists.join("")}</div>${coverageNote(problem)}`;
}

function coverageNote(problem) {
  const counts = axesOf(problem).map((axis) => {
    const all = range(0, outputSizeOf(problem, axis)).map((o) => pairsAt(problem, axis, o).length);
    return [Math.min(...all), Math.max(...all)];
  });
  const [least, most] = [0, 1].map((end) => productOf(counts.map((pair) => pair[end])));
  const spread =
    least === most
      ? `Every output is the sum of ${most}`
      : `An output is the sum of ${least} to ${most}`;
  const phaseLengths = axesOf(problem).map(
    (axis) => new Set(phasesOf(problem, axis).map((taps) => taps.length)),
  );
  const uneven = phaseLengths.some((lengths) => lengths.size > 1);
  const verdict = uneven
    ? " Phases differ in their number of taps: the pattern of a checkerboard."
    : "";
  return `<p class="note">${spread} ${most === 1 ? "product" : "products"} a channel.${verdict}</p>`;
}
