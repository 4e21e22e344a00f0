// What the four pictures are drawn with. A picture has a base, drawn once for a scene, and marks
// over it, drawn again for each subject.

const UNIT = 36; // a cell, in CSS pixels where the picture is not scaled down
const LABEL = 62; // pixels at the left for the labels of rows

// An SVG of this size in pixels, with room at the left; it shrinks to 0.6 of that, then scrolls.
function drawing(width, height, label, body, left = 0) {
  const wide = width + left + 4;
  return (
    `<svg role="img" aria-label="${escapeHtml(label)}" ` +
    `viewBox="${-left - 2} -2 ${wide} ${height + 4}" ` +
    `style="width:${wide}px;min-width:${0.6 * wide}px">` +
    `<g>${body}</g><g class="marks"></g></svg>`
  );
}

const picture = (columns, rows, label, body, left = 0) =>
  drawing(columns * UNIT, rows * UNIT, label, body, left);

// One cell at a column and a row: a rectangle, its number, and a small one in the corner.
function square(column, row, { classes = "", text = "", small = "", key = null }) {
  const [x, y] = [column * UNIT, row * UNIT];
  const letters = String(text).replace(/<[^>]*>/g, "").length;
  const size = Math.min(UNIT * 0.38, (UNIT * 1.5) / Math.max(letters, 1));
  const middle = y + UNIT * (small === "" ? 0.54 : 0.64);
  let body = `<rect class="${classes}" x="${x}" y="${y}" width="${UNIT}" height="${UNIT}"/>`;
  if (text !== "") {
    const place = `x="${x + UNIT / 2}" y="${middle}"`;
    body += `<text class="number" ${place} font-size="${size}">${text}</text>`;
  }
  if (small !== "") {
    const place = `x="${x + UNIT - 3}" y="${y + UNIT * 0.2}"`;
    body += `<text class="small" ${place} font-size="${UNIT * 0.26}">${small}</text>`;
  }
  return key ? `<g data-key="${key}">${body}</g>` : body;
}

const frame = (classes, column, row, width, height) =>
  `<rect class="frame ${classes}" x="${column * UNIT}" y="${row * UNIT}" ` +
  `width="${width * UNIT}" height="${height * UNIT}"/>`;

const rowLabel = (row, text) =>
  `<text class="label" x="-8" y="${(row + 0.54) * UNIT}" font-size="${UNIT * 0.33}">${text}</text>`;

const tspan = (role, text) => `<tspan class="${role}">${text}</tspan>`;
const symbol = (letter, index) => `${letter}${tspan("sub", index.slice(-2).join(","))}`;
const isSingle = (problem) => problem.kernelSize.length === 1;
const sameLeading = (index, leading) => leading.every((one, axis) => index[axis] === one);
const rowOf = (index) => (index.length === 1 ? 0 : index.at(-2));

const classesOf = (...names) => names.filter(Boolean).join(" ");

const within = ({ rows, columns }, row, column) =>
  row >= rows[0] && row < rows[1] && column >= columns[0] && column < columns[1];

// Every cell of a plane, drawn by `cellAt(row, column)`.
const plotted = ({ rows, columns }, cellAt) =>
  combinations([range(rows[0], rows[1]), range(columns[0], columns[1])])
    .map(([row, column]) => cellAt(row, column))
    .join("");

// The frame around the output within a plane of outputs.
function outputFrame(problem, { rows, columns }) {
  const size = outputSize(problem);
  const bottom = Math.min(isSingle(problem) ? 1 : size.at(-2), rows[1]);
  return frame("out", -columns[0], -rows[0], Math.min(size.at(-1), columns[1]), bottom);
}

const tapText = (scene, tap) =>
  scene.symbolic ? symbol("w", tap) : written(scene.valueOf({ kind: "w", index: tap }), 3);

const inputText = (scene, input) =>
  scene.symbolic ? symbol("x", input) : written(scene.valueOf({ kind: "x", index: input }), 3);
