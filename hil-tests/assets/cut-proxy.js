"use strict";
const words = {
  up: ["Łącze działa", "Połączono", "Wszystko przechodzi."],
  cut: ["Łącze przecięte", "Przecięte", "Połączenia zerwano (RST), nowe są odrzucane."],
  stalled: ["Łącze milczy", "Wstrzymane", "Połączenia stoją, nic nie przechodzi i nikt o tym nie wie."],
};
const at = (id) => document.getElementById(id);

function show(state) {
  const [title, pill, text] = words[state.line];
  at("title").textContent = title;
  at("line").textContent = pill;
  at("line").className = `pill ${state.line}`;
  at("words").textContent = text;
  at("numbers").textContent = `${state.listen} → ${state.target} · połączenia ${state.connections} · zerwane ${state.reset} · ` +
    `↑ ${state.octets_up} B · ↓ ${state.octets_down} B · opóźnienie ${state.delay_ms} ms`;
  at("cut").disabled = state.line === "cut";
  at("stall").disabled = state.line === "stalled";
  at("restore").disabled = state.line === "up";
}

async function ask(path, options) {
  try {
    const answer = await fetch(path, options);
    if (answer.ok) show(await answer.json());
  } catch {
    at("line").textContent = "Brak odpowiedzi";
    at("line").className = "pill cut";
  }
}

for (const order of ["cut", "stall", "restore"]) {
  at(order).addEventListener("click", () => ask(`/${order}`, { method: "POST" }));
}
ask("/state");
setInterval(() => ask("/state"), 1000);
