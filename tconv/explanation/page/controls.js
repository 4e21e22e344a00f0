// The sliders and menus: the problem, the values, and what is shown of several channels.

const ROWS = {
  inputSize: "input_size",
  kernelSize: "kernel_size",
  stride: "stride",
  dilation: "dilation",
  lo: "padding lo",
  hi: "padding hi",
  outputPadding: "output_padding",
};
const PADDING_ENDS = { lo: 0, hi: 1 };

const entryOf = (problem, name, axis) =>
  name in PADDING_ENDS ? problem.padding[axis][PADDING_ENDS[name]] : problem[name][axis];

function withEntry(problem, name, axes, value) {
  const changed = { ...problem, padding: problem.padding.map((pair) => [...pair]) };
  if (!(name in PADDING_ENDS)) changed[name] = [...problem[name]];
  for (const axis of axes) {
    if (name in PADDING_ENDS) changed.padding[axis][PADDING_ENDS[name]] = value;
    else changed[name][axis] = value;
  }
  return changed;
}

const isEven = (problem) =>
  Object.keys(ROWS).every((name) =>
    sameEntries(axesOf(problem).map((axis) => entryOf(problem, name, axis))),
  );

// Sliders, one for each parameter and axis, or one for all axes. They are built again only when
// their number changes, so that dragging one is never interrupted.
function drawSliders(change) {
  const { problem, linked } = state;
  const axes = axesOf(problem);
  const sets = linked || axes.length === 1 ? [axes] : axes.map((axis) => [axis]);
  const body = $("#sliders");
  const form = `${axes.length}/${sets.length}`;
  if (body.dataset.form !== form) {
    body.dataset.form = form;
    const several = sets.length > 1;
    const heads = axes.map((axis) => `<th scope="col">axis ${axis}</th>`).join("");
    const head = several ? `<thead><tr><td></td>${heads}</tr></thead>` : "";
    const rows = Object.entries(ROWS).map(([name, title]) => {
      const sliders = sets.map((set) => {
        const data = `data-name="${name}" data-axes="${set.join()}"`;
        const label = title + (several ? `, axis ${set[0]}` : "");
        return `<td><input type="range" ${data} aria-label="${label}"><output></output></td>`;
      });
      return `<tr><th scope="row">${title}</th>${sliders.join("")}</tr>`;
    });
    const table = `${head}<tbody>${rows.join("")}</tbody>`;
    body.innerHTML = `<table class="${several ? "several" : ""}">${table}</table>`;
    for (const slider of body.querySelectorAll("input")) {
      slider.addEventListener("input", () => {
        const over = slider.dataset.axes.split(",").map(Number);
        change(withEntry(state.problem, slider.dataset.name, over, Number(slider.value)));
      });
    }
  }
  for (const slider of body.querySelectorAll("input")) {
    const { name } = slider.dataset;
    const value = entryOf(problem, name, Number(slider.dataset.axes.split(",")[0]));
    const [least, most] = BOUNDS[name];
    const widest = name === "inputSize" && axes.length === 1 ? 2 * most : most;
    slider.min = Math.min(least, value);
    slider.max = Math.max(widest, value);
    slider.value = value;
    slider.nextElementSibling.textContent = `${value}`.replace("-", "−");
  }
}

// A menu of 0 … count - 1, hidden where there is nothing to choose.
function drawMenu(id, title, choices, value) {
  const label = $(`#${id}`).parentElement;
  label.hidden = choices.length < 2;
  $(`#${id}`).innerHTML = choices
    .map((one) => `<option${one === value ? " selected" : ""}>${one}</option>`)
    .join("");
  $("span", label).textContent = title;
}

function drawShown() {
  const { problem, shown } = state;
  const channels = channelsOf(problem, shown.outChannel);
  $("#channels-note").hidden = channels.length === 1;
  $("#channels-note").textContent =
    `Output channel ${shown.outChannel} sums over the input channels ${channels.join(", ")}, and so ` +
    `does the distribution. The other pictures show input channel ${shown.inChannel}.`;
  drawMenu("sample", "sample", range(0, problem.batch ?? 1), shown.sample);
  drawMenu("out-channel", "output channel", range(0, problem.outChannels), shown.outChannel);
  drawMenu("in-channel", "input channel", channels, shown.inChannel);
  const deep = problem.kernelSize.length === 3;
  for (const kind of "ywx") {
    const [start, stop] = deep ? boundsOf(problem, kind, 0) : [0, 0];
    if (deep) shown.depth[kind] = Math.min(Math.max(shown.depth[kind], start), stop - 1);
    drawMenu(`depth-${kind}`, `depth of ${kind}`, range(start, stop), shown.depth[kind]);
  }
  $("#depth-note").hidden = !deep;
  if (deep) {
    const { x, w, y } = shown.depth;
    const [stride, dilation, lo] = [problem.stride[0], problem.dilation[0], problem.padding[0][0]];
    const lands = x * stride + w * dilation - lo;
    const verdict = lands === y ? "these slices meet" : `these slices do not meet (y is at ${y})`;
    $("#depth-note").textContent =
      "Three axes: one slice of each array is shown, and sums go over all depths. " +
      `${x}·${stride} + ${w}·${dilation} − ${lo} = ${lands}: ${verdict}.`;
  }
}

// Takes the input and kernel slices that meet at the shown output depth, if any do.
function alignDepths() {
  const { problem, shown } = state;
  if (problem.kernelSize.length !== 3) return;
  const pairs = pairsAt(problem, 0, shown.depth.y);
  const held = pairs.some(([i, t]) => i === shown.depth.x && t === shown.depth.w);
  if (!held && pairs.length) [shown.depth.x, shown.depth.w] = pairs[0];
}

// Shows the depths of the terms of a subject.
function followDepths(chosen) {
  if (state.problem.kernelSize.length !== 3 || !chosen) return;
  const { depth } = state.shown;
  depth[chosen.kind] = chosen.index[0];
  if (chosen.kind === "y") alignDepths();
  else depth.y = landing(state.problem, [depth.x, 0, 0], [depth.w, 0, 0])[0];
}

function drawChoices() {
  const { problem, values } = state;
  for (const button of document.querySelectorAll("#axes button")) {
    button.setAttribute("aria-pressed", Number(button.dataset.axes) === problem.kernelSize.length);
    if (button.dataset.axes === "3") button.hidden = problem.kernelSize.length !== 3;
  }
  for (const button of document.querySelectorAll("#values button")) {
    button.setAttribute("aria-pressed", button.dataset.mode === values.mode);
  }
  $("#linked").checked = state.linked;
  $("#linked").parentElement.hidden = problem.kernelSize.length === 1;
  for (const [id, value] of [
    ["in-channels", problem.inChannels],
    ["out-channels", problem.outChannels],
    ["groups", problem.groups],
    ["batch", problem.batch ?? 0],
  ]) {
    if (document.activeElement !== $(`#${id}`)) $(`#${id}`).value = value;
  }
  $("#bias").checked = values.bias;
}

// The size formula of every axis, or the sentence that refuses the problem.
function drawVerdict(refusal) {
  const { problem } = state;
  const box = $("#verdict");
  box.classList.toggle("refused", refusal !== null);
  if (refusal !== null) {
    box.innerHTML = `<p role="alert" id="refusal">${escapeHtml(refusal)}</p>`;
    return;
  }
  const same = isEven(problem);
  const lines = (same ? [0] : axesOf(problem)).map((axis) => {
    const title = same ? (problem.kernelSize.length === 1 ? "" : "on each axis") : `axis ${axis}`;
    const sum = sizeWithNumbers(problem, axis).replace(/ = (\d+)$/, " = <strong>$1</strong>");
    return `<p class="size">${title} <code>${sum}</code></p>`;
  });
  const formula =
    "output size = (input − 1)·stride + dilation·(kernel − 1) + 1 − lo − hi + output_padding";
  box.innerHTML = `<p class="formula">${formula}</p>${lines.join("")}`;
}
