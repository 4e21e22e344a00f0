// Puts the page together: what a change of the state draws again, and who changes the state.

let pending = null; // "scene": everything; "subject": what depends on the subject
let writing = null;
let [drawnScene, drawnInput] = [null, null];

function redraw(what) {
  if (pending === null) requestAnimationFrame(draw);
  if (pending !== "scene") pending = what;
}

function draw() {
  const what = pending;
  pending = null;
  if (what === "scene") drawScene();
  if (state.scene) drawSubject();
  // History must not be written at the pace of a slider.
  clearTimeout(writing);
  const told = state.scene !== null || refusalOf(state.problem) !== null;
  if (told && isAddressable())
    writing = setTimeout(() => history.replaceState(null, "", `#${writeHash()}`), 150);
}

// A page inside a notebook's frame has no address of its own.
const isAddressable = () => /^(file|https?):$/.test(location.protocol);

function drawScene() {
  const refusal = refusalOf(state.problem);
  const obstacle = refusal === null ? obstacleOf(state.problem) : null;
  drawSliders(changeProblem);
  drawChoices();
  drawVerdict(refusal);
  document.body.classList.toggle("refusing", refusal !== null || obstacle !== null);
  $("#unshown").hidden = obstacle === null;
  $("#unshown span").textContent = obstacle;
  state.scene = null;
  if (refusal !== null || obstacle !== null) {
    stopPlaying();
    return;
  }
  drawShown();
  state.scene = new Scene(state.problem, state.values, state.shown);
  drawGrids(state.scene);
  drawCaptions();
  drawCall();
}

function drawCaptions() {
  const { problem, scene } = state;
  const sizes = { x: problem.inputSize, w: problem.kernelSize, y: outputSize(problem) };
  for (const kind of "xwy") $(`#size-${kind}`).textContent = sizes[kind].join(" × ");
  const crop = problem.padding.flat().some((pad) => pad > 0);
  $("#size-y").textContent += crop ? ", the crop hatched" : "";
  const bias = scene.symbolic ? `b[${state.shown.outChannel}]` : written(scene.bias());
  $("#size-y").textContent += scene.b === null ? "" : `, bias ${bias}`;
  const field = $("#bias-value");
  field.parentElement.hidden = scene.b === null || scene.symbolic;
  $("span", field.parentElement).textContent = `b[${state.shown.outChannel}]`;
  if (document.activeElement !== field) field.value = scene.bias();
  const cut = ["x", "w", "y"].some((kind) => planeOf(problem, kind).cut);
  $("#cut").hidden = !cut;
  $("#cut").textContent = `Of each axis the first ${LONGEST} positions are drawn; sums are whole.`;
}

function drawSubject() {
  const { scene } = state;
  const chosen = subject();
  const terms = chosen ? termsOf(state.problem, chosen) : [];
  const lit = new Set();
  for (const { input, tap, output } of terms) {
    lit.add(keyOf({ kind: "x", index: input }));
    lit.add(keyOf({ kind: "w", index: tap }));
    lit.add(keyOf({ kind: "y", index: output }));
  }
  if (chosen) lit.add(keyOf(chosen));
  lightGrids(chosen, lit);
  tell(scene, chosen, state.aloud);
  state.aloud = false;
  drawViews(scene, chosen);
  drawPlayer(scene);
}

// Bases are drawn for a new scene alone, and the distribution's while it is played.
function drawViews(scene, chosen) {
  const played = playedInput();
  for (const [name, view] of Object.entries(VIEWS)) {
    const box = $(`#view-${name}`);
    const stale = drawnScene !== scene || (name === "distribution" && played !== drawnInput);
    if (stale) box.innerHTML = view.base(scene);
    $(".marks", box).innerHTML = view.marks(scene, chosen);
  }
  [drawnScene, drawnInput] = [scene, played];
}

function drawCall() {
  const chosen = $("#libraries [aria-selected=true]").dataset.of;
  const { text, note } = callText(state.scene, chosen);
  $("#call").textContent = text;
  $("#call-note").textContent = note;
  $("#call").setAttribute("aria-labelledby", `tab-${chosen}`);
}

function changeProblem(problem) {
  stopPlaying();
  reshape(problem);
  redraw("scene");
}

function hover(chosen, aloud = false) {
  const same = (chosen && keyOf(chosen)) === (state.hovered && keyOf(state.hovered));
  if (same && !aloud) return;
  state.hovered = chosen;
  state.aloud = aloud;
  redraw("subject");
}

function pin(chosen) {
  stopPlaying();
  state.player.active = false;
  const again = chosen && state.pinned && keyOf(state.pinned) === keyOf(chosen);
  state.pinned = again ? null : chosen;
  if (state.problem.kernelSize.length === 3 && state.pinned) followDepths(state.pinned);
  state.aloud = chosen !== null;
  redraw(state.problem.kernelSize.length === 3 ? "scene" : "subject");
}

// Gives one element of x, w or b another number; the rest becomes given as it stands.
function edit({ kind, index }, number) {
  const { scene, values, problem } = state;
  const given = { x: [...scene.x], w: [...scene.w], b: scene.b && [...scene.b] };
  const { inChannel, outChannel } = state.shown;
  const place = {
    x: () => scene.xPlace(inChannel, index),
    w: () => scene.wPlace(inChannel, index),
    b: () => outChannel,
  }[kind]();
  given[kind][place] = number;
  take(problem, { ...values, mode: "given", given }, state.pinned);
  remember();
  redraw("scene");
}

function listenToControls() {
  $("#axes").addEventListener("click", ({ target }) => {
    const axes = Number(target.dataset.axes);
    if (!axes || axes === state.problem.kernelSize.length) return;
    if (state.values.mode === "given") state.values = { ...state.values, mode: "random" };
    state.pinned = null;
    changeProblem(onAxes(state.problem, axes));
  });
  $("#linked").addEventListener("change", ({ target }) => {
    state.linked = target.checked;
    const first = axesOf(state.problem).map(() => 0);
    const fit = (entries) => first.map((axis) => entries[axis]);
    const one = { ...state.problem, padding: fit(state.problem.padding).map((pair) => [...pair]) };
    for (const name of Object.values(LIST_KEYS)) one[name] = fit(state.problem[name]);
    changeProblem(state.linked ? one : state.problem);
  });
  $("#values").addEventListener("click", ({ target }) => {
    const { mode } = target.dataset;
    if (!mode || !state.scene) return;
    const { values } = state;
    const seed = mode === "random" && values.mode === "random" ? values.seed + 1 : values.seed;
    const given =
      mode === "given" && !values.given.x ? arraysOf(state.problem, values) : values.given;
    state.values = { ...values, mode, seed, given };
    if (mode === "given") reshape(state.problem);
    remember();
    redraw("scene");
  });
  for (const [id, name] of [
    ["in-channels", "inChannels"],
    ["out-channels", "outChannels"],
    ["groups", "groups"],
    ["batch", "batch"],
  ]) {
    $(`#${id}`).addEventListener("input", ({ target }) => {
      const value = Math.round(Number(target.value));
      if (target.value === "" || value < (id === "groups" || id === "batch" ? 0 : 1)) return;
      changeProblem({ ...state.problem, [name]: id === "batch" && value === 0 ? null : value });
    });
  }
  $("#bias").addEventListener("change", ({ target }) => {
    const { values, problem } = state;
    const b = target.checked ? (values.given.b ?? Array(problem.outChannels).fill(1)) : null;
    state.values = { ...values, bias: target.checked, given: { ...values.given, b } };
    redraw("scene");
  });
  $("#bias-value").addEventListener("input", ({ target }) => {
    const number = target.valueAsNumber;
    if (state.scene && Number.isFinite(number)) edit({ kind: "b", index: [] }, number);
  });
  $("#one-channel").addEventListener("click", () => {
    state.values = { ...state.values, mode: "count", bias: false };
    grown = {};
    changeProblem({ ...state.problem, inChannels: 1, outChannels: 1, groups: 1, batch: null });
  });
  const menus = { sample: "sample", "out-channel": "outChannel", "in-channel": "inChannel" };
  for (const [id, name] of Object.entries(menus)) {
    $(`#${id}`).addEventListener("change", ({ target }) => {
      state.shown[name] = Number(target.value);
      take(state.problem, state.values, state.pinned);
      redraw("scene");
    });
  }
  for (const kind of "xwy") {
    $(`#depth-${kind}`).addEventListener("change", ({ target }) => {
      state.shown.depth[kind] = Number(target.value);
      if (kind === "y") alignDepths();
      redraw("scene");
    });
  }
}

function listenToHeader() {
  $("#cases").innerHTML = `<option value="">choose …</option>${Object.keys(CASES)
    .map((title) => `<option>${escapeHtml(title)}</option>`)
    .join("")}`;
  $("#cases").addEventListener("change", ({ target }) => {
    if (target.value) load(CASES[target.value]);
    target.value = "";
  });
  $("#theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  $("#link").hidden = !isAddressable();
  $("#link").addEventListener("click", () => {
    const address = `${location.href.split("#")[0]}#${writeHash()}`;
    history.replaceState(null, "", address);
    copy(address, $("#link"));
  });
  window.addEventListener("hashchange", () => load(location.hash));
}

function listenToCalls() {
  const tabs = $("#libraries");
  tabs.innerHTML = Object.keys(LIBRARIES)
    .map((name) => {
      const data = `id="tab-${name}" data-of="${name}" aria-controls="call"`;
      return `<button type="button" role="tab" ${data}>${name}</button>`;
    })
    .join("");
  const select = (tab) => {
    for (const other of tabs.children) {
      other.setAttribute("aria-selected", other === tab);
      other.tabIndex = other === tab ? 0 : -1;
    }
    if (state.scene) drawCall();
  };
  select(tabs.firstChild);
  tabs.addEventListener("click", ({ target }) => target.dataset.of && select(target));
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...tabs.children];
    const next = all[modulo(all.indexOf(event.target) + step, all.length)];
    select(next);
    next.focus();
  });
  $("#copy").addEventListener("click", () => copy($("#call").textContent, $("#copy"), $("#call")));
}

// Copies a text, or selects it where the browser forbids to; the button says which.
async function copy(text, button, element = null) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    if (element) getSelection().selectAllChildren(element);
    button.textContent = element ? "Selected: press Ctrl+C" : "Copy it from the address bar";
  }
  setTimeout(() => (button.textContent = before), 1600);
}

function load(hash) {
  grown = {};
  stopPlaying();
  if (!readHash(hash)) return;
  state.linked = isEven(state.problem);
  remember();
  if (state.pinned) followDepths(state.pinned);
  redraw("scene");
}

function start() {
  loadData(JSON.parse($("#data").textContent));
  state.linked = isEven(state.problem);
  remember();
  listenToHeader();
  listenToControls();
  listenToCalls();
  listenToPlayer(() => {
    const here = playedSubject();
    if (state.problem.kernelSize.length !== 3) return redraw("subject");
    followDepths(here);
    return redraw("scene");
  });
  listenToCells($("#stage"), { hover, pin, edit });
  document.addEventListener("click", ({ target }) => target.closest?.("#unpin") && pin(null));
  document.addEventListener(
    "keydown",
    ({ key }) => key === "Escape" && (state.pinned || state.player.active) && pin(null),
  );
  if (isAddressable() && location.hash.length > 1) load(location.hash);
  alignDepths();
  redraw("scene");
}

start();
