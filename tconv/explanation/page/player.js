// Playing a view: one input a step (distribution) or one output a step (collection).

let timer = null;

const stepCount = () => productOf(playedShape());

function stopPlaying() {
  clearInterval(timer);
  timer = null;
}

// A whole run takes at most a quarter of a minute.
function startPlaying(moved) {
  stopPlaying();
  state.pinned = null;
  if (!state.player.active || state.player.step >= stepCount() - 1) state.player.step = 0;
  state.player.active = true;
  const pause = Math.max(120, Math.min(800, 15000 / stepCount()));
  timer = setInterval(() => {
    if (state.player.step >= stepCount() - 1) stopPlaying();
    else state.player.step += 1;
    moved();
  }, pause);
  moved();
}

function goTo(step, moved) {
  stopPlaying();
  state.pinned = null;
  state.player.active = true;
  state.player.step = Math.max(0, Math.min(stepCount() - 1, step));
  moved();
}

function drawPlayer(scene) {
  const { player } = state;
  const [count, here] = [stepCount(), playedSubject()];
  const name = scene.name(here.kind, here.index);
  $("#scrub").max = count - 1;
  $("#scrub").value = player.step;
  $("#scrub").setAttribute("aria-valuetext", `${name}, ${player.step + 1} of ${count}`);
  $("#where").innerHTML =
    `${span(here.kind, name)} <span class="faint">${player.step + 1} of ${count}</span>`;
  $("#play").textContent = timer ? "Pause" : "Play";
  for (const choice of document.querySelectorAll("[name=played]"))
    choice.checked = choice.value === player.view;
}

function listenToPlayer(moved) {
  $("#play").addEventListener("click", () => {
    if (timer) {
      stopPlaying();
      moved();
    } else startPlaying(moved);
  });
  $("#back").addEventListener("click", () => goTo(state.player.step - 1, moved));
  $("#forward").addEventListener("click", () =>
    goTo(state.player.step + (state.player.active ? 1 : 0), moved),
  );
  $("#scrub").addEventListener("input", () => goTo(Number($("#scrub").value), moved));
  for (const choice of document.querySelectorAll("[name=played]")) {
    choice.addEventListener("change", () => {
      state.player.view = choice.value;
      goTo(0, moved);
    });
  }
}
