// The pictures: distribution, collection, matrix and phases, each an SVG of the present subject.

const UNIT = 36; // an SVG cell, in CSS pixels where the picture is not scaled down
const HATCH = `<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="6" height="6"/><line class="hatch-line" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>`;

// An SVG of this size in pixels, with room for labels at the left, as wide as it must be.
function drawing(width, height, label, body, left = 0) {
  return (
    `<svg role="img" aria-label="${escapeHtml(label)}" viewBox="${-left - 2} -2 ${width + left + 4} ${height + 4}" ` +
    `style="width:${width + left + 4}px;min-width:${0.6 * (width + left)}px">${HATCH}${body}</svg>`
  );
}

const picture = (columns, rows, label, body, { unit = UNIT, left = 0 } = {}) =>
  drawing(columns * unit, rows * unit, label, body, left);

// One cell at a column and a row: a rectangle, its number, and a small one in the corner.
function square(column, row, { classes = "", text = "", small = "", key = null, unit = UNIT }) {
  const [x, y] = [column * unit, row * unit];
  const data = key ? ` data-key="${key}"` : "";
  const letters = String(text).replace(/<[^>]*>/g, "").length;
  const size = Math.min(unit * 0.38, (unit * 1.5) / Math.max(letters, 1));
  let body = `<rect class="${classes}" x="${x}" y="${y}" width="${unit}" height="${unit}"/>`;
  if (text !== "")
    body += `<text class="number" x="${x + unit / 2}" y="${y + unit * (small === "" ? 0.54 : 0.64)}" font-size="${size}">${text}</text>`;
  if (small !== "")
    body += `<text class="small" x="${x + unit - 3}" y="${y + unit * 0.2}" font-size="${unit * 0.26}">${small}</text>`;
  return `<g${data}>${body}</g>`;
}

const frame = (classes, column, row, width, height, unit = UNIT) =>
  `<rect class="frame ${classes}" x="${column * unit}" y="${row * unit}" width="${width * unit}" height="${height * unit}"/>`;

const rowLabel = (row, text, unit = UNIT) =>
  `<text class="label" x="-8" y="${(row + 0.54) * unit}" font-size="${unit * 0.33}">${text}</text>`;

// The frame around the output within a plane of outputs.
function outputFrame(problem, { rows, columns }) {
  const size = outputSize(problem);
  const [height, width] = [problem.kernelSize.length === 1 ? 1 : size.at(-2), size.at(-1)];
  const [bottom, right] = [Math.min(height, rows[1]), Math.min(width, columns[1])];
  return frame("out", -columns[0], -rows[0], right, bottom);
}

const sameLeading = (index, leading) => leading.every((one, axis) => index[axis] === one);
const rowOf = (index) => (index.length === 1 ? 0 : index.at(-2));

// Distribution: every input stamps a copy of the kernel, a stride further on than the one before.
function distribution(scene, cell, lit) {
  return scene.problem.kernelSize.length === 1
    ? stampRows(scene, cell, lit)
    : stamps(scene, cell, lit);
}

// Inputs that have been played so far.
function countedInputs(problem) {
  const playing =
    state.player.active && state.player.view === "distribution" && !state.hovered && !state.pinned;
  const last = state.player.step;
  return playing ? (input) => flatten(input, problem.inputSize) <= last : () => true;
}

function stampRows(scene, cell, lit) {
  const { problem } = scene;
  const plane = planeOf(problem, "y");
  const [start, stop] = plane.columns;
  const counted = countedInputs(problem);
  const inputs = range(0, Math.min(problem.inputSize[0], LONGEST));
  let body = "";
  for (const i of inputs) {
    body += rowLabel(
      i,
      scene.symbolic
        ? `x[${i}]·w`
        : `${tspan("x", written(scene.valueOf({ kind: "x", index: [i] }), 3))}·w`,
    );
    for (const term of counted([i]) ? termsOf(problem, { kind: "x", index: [i] }) : []) {
      const o = term.output[0];
      if (o >= stop) continue;
      const classes = [
        "product",
        isInside(problem, [o]) ? "" : "crop",
        isLitTerm(term, cell) ? "lit" : "",
      ].join(" ");
      const text = scene.symbolic
        ? `x<tspan class="sub">${i}</tspan>w<tspan class="sub">${term.tap[0]}</tspan>`
        : written(scene.added(term), 3);
      body += square(o - start, i, { classes, text, key: `y:${o}` });
    }
  }
  const last = inputs.length + 0.35;
  body += rowLabel(last, scene.b === null ? "sum" : "sum + b");
  for (const o of range(start, stop)) {
    const key = `y:${o}`;
    const classes = ["y", isInside(problem, [o]) ? "" : "crop", lit.has(key) ? "lit" : ""].join(
      " ",
    );
    body += square(o - start, last, {
      classes,
      key,
      text: scene.symbolic ? "" : written(scene.value([o], counted), 3),
    });
  }
  const size = Math.min(outputSize(problem)[0], stop);
  body += `<rect class="frame out" x="${-start * UNIT}" y="-1" width="${size * UNIT}" height="${(last + 1) * UNIT + 1}"/>`;
  const label = `distribution: one row for each input, its copy of the kernel placed a stride of ${problem.stride[0]} further on, and the sum below`;
  return picture(stop - start, last + 1, label, body, { left: 62 });
}

const tspan = (role, text) => `<tspan class="${role}">${text}</tspan>`;

// Whether a term is one of the subject's.
function isLitTerm({ input, tap, output }, cell) {
  const own = cell && { x: input, w: tap, y: output }[cell.kind];
  return Boolean(own) && own.every((one, axis) => one === cell.index[axis]);
}

function stamps(scene, cell, lit) {
  const { problem } = scene;
  const plane = planeOf(problem, "y");
  const { rows, columns, leading } = plane;
  const counted = countedInputs(problem);
  const terms = cell
    ? termsOf(problem, cell).filter(({ output }) => sameLeading(output, leading))
    : [];
  const products = new Map(terms.map((term) => [keyOf({ kind: "y", index: term.output }), term]));
  let body = "";
  for (const row of range(rows[0], rows[1])) {
    for (const column of range(columns[0], columns[1])) {
      const index = plane.index(row, column);
      const key = keyOf({ kind: "y", index });
      const classes = ["y", isInside(problem, index) ? "" : "crop", lit.has(key) ? "lit" : ""].join(
        " ",
      );
      const single = cell && cell.kind !== "y" && products.get(key);
      const small =
        single && !scene.symbolic ? `+${written(scene.added(single), 3)}`.replace("+−", "−") : "";
      const named = single ? tapText(scene, single.tap) : "";
      const text = scene.symbolic ? named : written(scene.value(index, counted), 3);
      body += square(column - columns[0], row - rows[0], { classes, text, small, key });
    }
  }
  body += outputFrame(problem, plane);
  const sources = new Map(terms.map((term) => [term.input.join(), term.input]));
  if (cell && cell.kind !== "w") {
    for (const input of sources.values()) {
      const corner = landing(
        problem,
        input,
        input.map(() => 0),
      );
      const [height, width] = [
        extent(problem, input.length - 2),
        extent(problem, input.length - 1),
      ];
      body += frame("stamp", corner.at(-1) - columns[0], corner.at(-2) - rows[0], width, height);
    }
  }
  const label =
    "distribution: the whole scatter with the output framed, and the copies of the kernel that the present subject takes part in";
  return picture(columns[1] - columns[0], rows[1] - rows[0], label, body);
}

// Collection: the zero-inserted input, over which the flipped kernel slides one step an output.
function collection(scene, cell) {
  const { problem } = scene;
  const axes = axesOf(problem);
  const single = axes.length === 1;
  const plane = planeOf(problem, "x", (_, __, axis) => spreadOf(problem, axis));
  const { rows, columns } = plane;
  const inserted = (place, axis) => {
    const i = place / problem.stride[axis];
    if (Number.isInteger(i) && i >= 0 && i < problem.inputSize[axis]) return i;
    return i > 0 && i < problem.inputSize[axis] - 1 ? "zero" : "pad";
  };
  const window = cell?.kind === "y" ? windowAt(problem, cell.index) : null;
  const litInputs = cell
    ? new Set(termsOf(problem, cell).map(({ input }) => input.join()))
    : new Set();
  const drawn = axes.slice(single ? 0 : -2);
  let body = "";
  for (const row of range(rows[0], rows[1])) {
    for (const column of range(columns[0], columns[1])) {
      const place = single ? [column] : [row, column];
      const at = place.map((one, n) => inserted(one, drawn[n]));
      const isInput = at.every(Number.isInteger);
      const index = isInput ? [...plane.leading, ...at] : null;
      const unread = drawn.some((axis, n) => {
        const [start, stop] = readOf(problem, axis);
        return place[n] < start || place[n] >= stop;
      });
      const tap = window && tapAt(problem, drawn, window, place);
      const kind = isInput ? "x" : at.includes("pad") ? "pad" : "zero";
      const classes = [
        kind,
        unread ? "crop" : "",
        tap ? "tapped" : "",
        index && litInputs.has(index.join()) ? "lit" : "",
      ].join(" ");
      const value =
        isInput &&
        (scene.symbolic
          ? `x<tspan class="sub">${at.join(",")}</tspan>`
          : written(scene.valueOf({ kind: "x", index }), 3));
      const small =
        tap && !single
          ? tapText(scene, [...(axes.length === 3 ? [state.shown.depth.w] : []), ...tap])
          : "";
      const key = isInput ? keyOf({ kind: "x", index }) : null;
      body += square(column - columns[0], row - rows[0], {
        classes,
        text: isInput ? value : "0",
        small,
        key,
      });
    }
  }
  let height = rows[1] - rows[0];
  if (single) {
    body += rowLabel(0, "input") + rowLabel(1.25, "kernel") + rowLabel(2.25, "product");
    height = 3.25;
    for (const column of window ? range(columns[0], columns[1]) : []) {
      const tap = tapAt(problem, drawn, window, [column]);
      if (!tap) continue;
      const i = inserted(column, 0);
      const place = column - columns[0];
      body += square(place, 1.25, { classes: "w lit", text: tapText(scene, tap), key: `w:${tap}` });
      const product = Number.isInteger(i) ? scene.added({ input: [i], tap }) : 0;
      const text = scene.symbolic
        ? Number.isInteger(i)
          ? `x<tspan class="sub">${i}</tspan>w<tspan class="sub">${tap}</tspan>`
          : "0"
        : written(product, 3);
      body += square(place, 2.25, {
        classes: Number.isInteger(i) ? "product lit" : "product",
        text,
      });
    }
  }
  if (window) {
    const corner = drawn.map((axis) => window[axis] - extent(problem, axis) + 1);
    const [y, tall] = single ? [0, 3.25] : [corner[0] - rows[0], extent(problem, drawn[0])];
    body += frame("window", corner.at(-1) - columns[0], y, extent(problem, drawn.at(-1)), tall);
  }
  const label =
    "collection: the input with zeros inserted and around it, and the flipped kernel over what the present output reads";
  return picture(columns[1] - columns[0], height, label, body, { left: single ? 62 : 0 });
}

// The last position of the zero-inserted input that an output reads, on each axis.
const windowAt = (problem, output) => output.map((o, axis) => o + problem.padding[axis][0]);

// The tap with which a window reads a position of the drawn axes, or null.
function tapAt(problem, drawn, window, place) {
  const tap = drawn.map((axis, n) => (window[axis] - place[n]) / problem.dilation[axis]);
  const isTap = (one, n) => Number.isInteger(one) && one >= 0 && one < problem.kernelSize[drawn[n]];
  return tap.every(isTap) ? tap : null;
}

const tapText = (scene, tap) =>
  scene.symbolic
    ? `w<tspan class="sub">${tap.slice(-2).join(",")}</tspan>`
    : written(scene.valueOf({ kind: "w", index: tap }), 3);

const VIEWS = { distribution, collection, matrix, phases };
