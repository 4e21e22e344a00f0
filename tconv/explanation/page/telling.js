// What is said of the subject: its terms, products and sum, or where its value goes.

const INVITATION =
  "Point at any number, or move to it with Tab and the arrow keys. A click or Enter keeps it.";
const MOST_TERMS = 48; // written out; the rest is counted

const span = (role, text) => `<span class="${role}">${text}</span>`;

function biasParts(scene) {
  if (scene.b === null) return [[], []];
  const name = scene.plainNames ? "b[0]" : `b[${scene.shown.outChannel}]`;
  return [
    [span("b", name)],
    [span("b", `<span data-bias="${scene.bias()}">${factor(scene.bias())}</span>`)],
  ];
}

function tellOutput(scene, cell) {
  const terms = termsOf(scene.problem, cell).flatMap((term) =>
    scene.products(term).map((one) => ({ ...term, ...one })),
  );
  const told = terms.slice(0, MOST_TERMS);
  const more = terms.length > told.length ? [`… ${terms.length - told.length} more`] : [];
  const names = told.map((one) => {
    const [x, w] = [scene.name("x", one.input, one.channel), scene.name("w", one.tap, one.channel)];
    return `<span class="term">${span("x", x)}·${span("w", w)}</span>`;
  });
  const numbers = told.map((one) => {
    const text = `${span("x", factor(one.x))}·${span("w", factor(one.w))}`;
    return `<span class="term" data-product="${one.product}">${text}</span>`;
  });
  const [biasName, biasNumber] = biasParts(scene);
  const sum = (parts) => (parts.length ? parts.join(" + ") : "0");
  const lines = [
    `${span("y", scene.name("y", cell.index))} = ${sum([...names, ...more, ...biasName])}`,
  ];
  if (!scene.symbolic) {
    const value = scene.value(cell.index);
    lines.push(`= ${sum([...numbers, ...more, ...biasNumber])}`);
    lines.push(`= <strong class="y" data-sum="${value}">${written(value)}</strong>`);
  }
  const notes = [];
  if (!isInside(scene.problem, cell.index))
    notes.push("Cropped: the padding throws this sum away.");
  else if (!terms.length)
    notes.push("No tap reaches this position" + (scene.b === null ? "." : ": it holds the bias."));
  return { lines, notes };
}

function tellSource(scene, cell) {
  const terms = termsOf(scene.problem, cell);
  const cropped = terms.filter(({ output }) => !isInside(scene.problem, output)).length;
  const channel = scene.shown.inChannel;
  const told = terms.slice(0, MOST_TERMS).map((term) => {
    const inside = isInside(scene.problem, term.output);
    const { x, w, product } = scene.products(term).find((one) => one.channel === channel);
    const other =
      cell.kind === "x"
        ? span("w", scene.name("w", term.tap))
        : span("x", scene.name("x", term.input));
    const numbers = scene.symbolic
      ? ""
      : ` <span class="faint">${factor(x)}·${factor(w)} = ${written(product)}</span>`;
    const goal = span("y", scene.name("y", term.output));
    return `<span class="use ${inside ? "" : "thrown"}">${other} → ${goal}${numbers}</span>`;
  });
  const number = scene.symbolic ? "" : ` = ${written(scene.valueOf(cell))}`;
  const what = cell.kind === "x" ? "is multiplied by every tap" : "multiplies every input";
  const count = `${terms.length} ${terms.length === 1 ? "product" : "products"}`;
  const lost = cropped ? `, ${cropped} of them cropped` : "";
  const lines = [
    `${span(cell.kind, scene.name(cell.kind, cell.index))}${number} ${what}: ${count}${lost}`,
  ];
  const more = terms.length > told.length ? ` … ${terms.length - told.length} more` : "";
  lines.push(`<span class="uses">${told.join("")}${more}</span>`);
  return { lines, notes: [] };
}

// Fills the panel, and says the sentence to a screen reader where `aloud`.
function tell(scene, cell, aloud) {
  const panel = $("#telling");
  if (!cell) {
    panel.innerHTML = `<p class="hint">${INVITATION}</p>`;
    panel.dataset.key = "";
    return;
  }
  const { lines, notes } = cell.kind === "y" ? tellOutput(scene, cell) : tellSource(scene, cell);
  const pinned = state.pinned && keyOf(state.pinned) === keyOf(cell);
  panel.dataset.key = keyOf(cell);
  panel.innerHTML =
    (pinned
      ? `<button type="button" id="unpin" class="quiet">release <kbd>Esc</kbd></button>`
      : "") +
    lines.map((line) => `<p>${line}</p>`).join("") +
    notes.map((note) => `<p class="note">${note}</p>`).join("");
  if (aloud) $("#aloud").textContent = panel.textContent.replace("release Esc", "");
}
