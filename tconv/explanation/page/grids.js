// The three arrays as grids of cells: pointed at, focused, pinned, walked with the arrow keys, and
// edited in place.

const TITLES = { x: "input", w: "kernel", y: "output" };
const LONGEST = 32; // positions of an axis that are drawn; what lies beyond is named in a note

const $ = (selector, within = document) => within.querySelector(selector);
const escapeHtml = (text) => String(text).replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
const keyOf = ({ kind, index }) => `${kind}:${index.join(",")}`;

function subjectFrom(key) {
  const [kind, place] = key.split(":");
  return { kind, index: place.split(",").map(Number) };
}

// The positions [start, stop) of one axis that an array holds; for y those that are cropped too.
function boundsOf(problem, kind, axis) {
  if (kind === "y") return canvasOf(problem, axis);
  return [0, problem[kind === "x" ? "inputSize" : "kernelSize"][axis]];
}

// The plane of an array that is drawn: the leading indices, and the rows and columns as ranges.
function planeOf(problem, kind, bounds = boundsOf) {
  const axes = axesOf(problem);
  const spans = axes.map((axis) => {
    const [start, stop] = bounds(problem, kind, axis);
    return [start, Math.min(stop, start + LONGEST), stop];
  });
  const [rows, columns] = axes.length === 1 ? [[0, 1, 1], spans[0]] : spans.slice(-2);
  const leading = axes.length === 3 ? [state.shown.depth[kind]] : [];
  const index = (row, column) => [...leading, ...(axes.length === 1 ? [] : [row]), column];
  return { leading, rows, columns, index, cut: spans.some(([, stop, end]) => stop < end) };
}

const cellSize = (columns) => (columns <= 8 ? 40 : columns <= 12 ? 34 : columns <= 18 ? 29 : 26);

function cellText(scene, cell, value) {
  if (scene.symbolic) return `${cell.kind}<sub>${cell.index.join(",")}</sub>`;
  return written(value, 3);
}

function cellLabel(scene, cell, value) {
  const name = scene.name(cell.kind, cell.index);
  const number = scene.symbolic ? "" : ` = ${written(value)}`;
  if (cell.kind !== "y") return `${name}${number}`;
  if (!isInside(scene.problem, cell.index)) return `${name}${number}, cropped by the padding`;
  const count = coverageAt(scene.problem, cell.index) * scene.channels.length;
  return `${name}${number}, ${count} ${count === 1 ? "term" : "terms"}`;
}

function gridHtml(scene, kind) {
  const { rows, columns, index } = planeOf(scene.problem, kind);
  const width = columns[1] - columns[0];
  const row = (r) => {
    const cells = range(columns[0], columns[1]).map((c) => {
      const cell = { kind, index: index(r, c) };
      const value = scene.valueOf(cell);
      const inside = kind !== "y" || isInside(scene.problem, cell.index);
      const empty = kind === "y" && coverageAt(scene.problem, cell.index) === 0;
      const classes = ["cell", kind, inside ? "" : "crop", empty ? "empty" : ""].join(" ");
      const data = `data-key="${keyOf(cell)}" data-value="${scene.symbolic ? "" : value}"`;
      const label = escapeHtml(cellLabel(scene, cell, value));
      return (
        `<div role="gridcell" tabindex="-1" class="${classes}" ${data} aria-selected="false" ` +
        `aria-label="${label}">${cellText(scene, cell, value)}</div>`
      );
    });
    return `<div role="row">${cells.join("")}</div>`;
  };
  return (
    `<div role="grid" id="grid-${kind}" aria-label="${TITLES[kind]} ${kind}" class="grid" ` +
    `style="--columns:${width};--cell:${cellSize(width)}px">` +
    range(rows[0], rows[1]).map(row).join("") +
    "</div>"
  );
}

let cells = new Map(); // those of the three grids, by key

function drawGrids(scene) {
  const focused = document.activeElement?.dataset?.key;
  for (const kind of "xwy") {
    $(`#array-${kind}`).innerHTML = gridHtml(scene, kind);
    const inside = (cell) => kind !== "y" || !cell.classList.contains("crop");
    [...$(`#grid-${kind}`).querySelectorAll(".cell")].find(inside)?.setAttribute("tabindex", "0");
  }
  cells = new Map(
    [...document.querySelectorAll("[role=gridcell]")].map((cell) => [cell.dataset.key, cell]),
  );
  if (focused) focusCell(focused);
}

function focusCell(key) {
  const cell = cells.get(key);
  if (!cell) return;
  for (const other of cell.closest(".grid").querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus({ preventScroll: false });
}

// Marks the cells that belong to the subject, and the subject itself.
function lightGrids(chosen, lit) {
  const own = chosen ? [keyOf(chosen)] : [];
  const pinned = state.pinned ? [keyOf(state.pinned)] : [];
  const marks = [
    [".lit", "lit", lit],
    [".chosen", "chosen", own],
    ["[aria-selected=true]", null, pinned],
  ];
  for (const [selector, name, keys] of marks) {
    const wanted = new Set(keys);
    const mark = (cell, on) =>
      name ? cell.classList.toggle(name, on) : cell.setAttribute("aria-selected", on);
    for (const cell of document.querySelectorAll(`[role=gridcell]${selector}`)) {
      if (!wanted.delete(cell.dataset.key)) mark(cell, false);
    }
    for (const key of wanted) if (cells.has(key)) mark(cells.get(key), true);
  }
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function moveWithin(cell, event) {
  const rows = [...cell.closest(".grid").querySelectorAll("[role=row]")].map((row) => [
    ...row.children,
  ]);
  const row = rows.findIndex((cells) => cells.includes(cell));
  const column = rows[row].indexOf(cell);
  let target = null;
  if (event.key in STEPS) {
    const [down, right] = STEPS[event.key];
    target = rows[row + down]?.[column + right];
  } else if (event.key === "Home") {
    target = rows[event.ctrlKey ? 0 : row][0];
  } else if (event.key === "End") {
    target = rows[event.ctrlKey ? rows.length - 1 : row].at(-1);
  } else {
    return false;
  }
  if (target) focusCell(target.dataset.key);
  return true;
}

// Replaces a cell's text with a field; `typed` is what the reader has typed already.
function editCell(cell, typed, commit) {
  const { kind, index } = subjectFrom(cell.dataset.key);
  const [shown, name] = [cell.innerHTML, state.scene.name(kind, index)];
  const start = typed ?? (cell.dataset.value || "0");
  const label = `aria-label="new value of ${name}"`;
  cell.innerHTML = `<input class="edit" inputmode="decimal" ${label} value="${start}">`;
  const field = $("input", cell);
  let open = true;
  const close = (accept) => {
    if (!open) return;
    open = false;
    const number = Number(field.value);
    const refocus = cell.contains(document.activeElement);
    cell.innerHTML = shown;
    if (refocus) cell.focus();
    if (accept && field.value.trim() !== "" && Number.isFinite(number))
      commit({ kind, index }, number);
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") close(true);
    if (event.key === "Escape") close(false);
  });
  field.addEventListener("blur", () => close(true));
  field.focus();
  if (typed === undefined) field.select();
  else field.setSelectionRange(start.length, start.length);
}

// Pointer, focus and keys of everything that names a subject, in the grids and in the pictures.
function listenToCells(root, { hover, pin, edit }) {
  const cellOf = (event) => event.target.closest?.("[data-key]");
  root.addEventListener("pointerover", (event) => {
    const cell = cellOf(event);
    if (event.pointerType !== "touch") hover(cell ? subjectFrom(cell.dataset.key) : null);
  });
  root.addEventListener("pointerleave", () => hover(null));
  root.addEventListener("focusin", (event) => {
    const cell = cellOf(event);
    if (cell?.matches(":focus-visible")) hover(subjectFrom(cell.dataset.key), true);
  });
  root.addEventListener("focusout", () => hover(null));
  root.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (!cell || event.target.matches("input")) return;
    if (cell.role === "gridcell") focusCell(cell.dataset.key);
    pin(subjectFrom(cell.dataset.key));
  });
  root.addEventListener("dblclick", (event) => {
    const cell = cellOf(event);
    if (cell?.matches(".cell.x, .cell.w")) editCell(cell, undefined, edit);
  });
  root.addEventListener("keydown", (event) => {
    const cell = cellOf(event);
    if (cell?.role !== "gridcell" || event.target !== cell || event.altKey || event.metaKey) return;
    const editable = cell.matches(".x, .w");
    if (moveWithin(cell, event)) event.preventDefault();
    else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      pin(subjectFrom(cell.dataset.key));
    } else if (editable && event.key === "F2") editCell(cell, undefined, edit);
    else if (editable && !event.ctrlKey && /^[-.\d]$/.test(event.key)) {
      event.preventDefault();
      editCell(cell, event.key, edit);
    }
  });
}
