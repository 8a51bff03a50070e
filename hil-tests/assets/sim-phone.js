"use strict";
const texts = {
  pl: { title: "Telefony klientów", back: "Telefony", none: "Nikt jeszcze nie dostał SMS-a.", choose: "Wybierz telefon z listy.", on: "w zasięgu", off: "wyłączony", turnOff: "Wyłącz telefon", turnOn: "Włącz telefon", label: "Odpowiedź SMS", send: "Wyślij", live: "na żywo", away: "brak połączenia", way: (n) => `W drodze: ${n}`, sms: (n) => `${n} SMS`, failed: "Nie wysłano: ", dial: "Zadzwoń do sklepu", hang: "Rozłącz", pick: "Odbierz", calls: { incoming: "sklep dzwoni", dialing: "łączy", alerting: "dzwoni", active: "rozmowa", silent: "rozmowa bez dźwięku" } },
  en: { title: "Customers' phones", back: "Phones", none: "Nobody has got an SMS yet.", choose: "Choose a phone from the list.", on: "reachable", off: "switched off", turnOff: "Switch off", turnOn: "Switch on", label: "SMS reply", send: "Send", live: "live", away: "disconnected", way: (n) => `On the way: ${n}`, sms: (n) => `${n} SMS`, failed: "Not sent: ", dial: "Call the store", hang: "Hang up", pick: "Answer", calls: { incoming: "the store calls", dialing: "connecting", alerting: "ringing", active: "talking", silent: "talking, without sound" } },
};
const language = navigator.language.startsWith("en") ? "en" : "pl";
const t = texts[language];
// What customers really answer; each is typed and sent as an SMS like any other text.
const replies = ["jestem", "status", "Będę po 18"];
const at = (id) => document.getElementById(id);
let chosen = decodeURIComponent(location.hash.slice(1));
let reading = false;
let again = false;

function make(tag, text, name) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
}

async function read(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || String(answer.status));
}

const path = (rest) => `/api/phones/${encodeURIComponent(chosen)}${rest}`;

function showList(items) {
  const list = at("list");
  const focused = document.activeElement?.dataset?.number;
  list.replaceChildren();
  for (const phone of items) {
    const button = make("button");
    button.type = "button";
    button.dataset.number = phone.number;
    button.setAttribute("aria-current", String(phone.number === chosen));
    button.append(make("b", phone.number), make("span", phone.last ? phone.last.text : t.way(phone.on_the_way)));
    button.addEventListener("click", () => choose(phone.number));
    const item = make("li");
    item.append(button);
    list.append(item);
    if (phone.number === focused) button.focus();
  }
  at("none").hidden = items.length > 0;
}

function showPhone(phone) {
  at("number").textContent = phone.number;
  at("reach").textContent = phone.reachable ? t.on : t.off;
  at("reach").className = `pill ${phone.reachable ? "up" : "cut"}`;
  at("switch").textContent = phone.reachable ? t.turnOff : t.turnOn;
  at("switch").dataset.to = String(!phone.reachable);
  for (const control of document.querySelectorAll("#quick button, #send, #text")) control.disabled = !phone.reachable;
  at("way").textContent = phone.on_the_way > 0 ? t.way(phone.on_the_way) : "";
  const thread = at("thread");
  const fresh = thread.children.length !== phone.thread.length || thread.dataset.number !== phone.number;
  if (!fresh) return;
  thread.dataset.number = phone.number;
  thread.replaceChildren(...phone.thread.map((bubble) => {
    const item = make("li", bubble.text, bubble.way);
    const time = new Date(bubble.at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
    item.append(make("small", `${time} · ${t.sms(bubble.parts)}`));
    return item;
  }));
  thread.scrollTop = thread.scrollHeight;
}

async function refresh() {
  if (reading) { again = true; return; }
  reading = true;
  try {
    showList((await read("/api/phones")).items);
    const phone = chosen ? await read(path("")).catch(() => null) : null;
    at("phone").hidden = !phone;
    at("choose").hidden = Boolean(phone);
    at("back").hidden = !phone;
    document.querySelector(".phones").classList.toggle("open", Boolean(phone));
    if (phone) showPhone(phone);
  } catch {
    live(false);
  }
  reading = false;
  if (again) { again = false; refresh(); }
}

function choose(number) {
  chosen = number;
  history.replaceState(null, "", number ? `#${encodeURIComponent(number)}` : location.pathname);
  refresh();
}

async function attempt(job) {
  at("error").hidden = true;
  try { await job(); return true; } catch (error) {
    at("error").textContent = t.failed + error.message;
    at("error").hidden = false;
    return false;
  }
}

function live(on) {
  at("live").textContent = on ? t.live : t.away;
  at("live").className = `pill ${on ? "up" : "cut"}`;
}

document.documentElement.lang = language;
document.title = t.title;
at("title").textContent = t.title;
at("back").textContent = `← ${t.back}`;
at("none").textContent = t.none;
at("choose").textContent = t.choose;
at("label").textContent = t.label;
at("send").textContent = t.send;
at("back").addEventListener("click", () => choose(""));
at("switch").addEventListener("click", () => attempt(() => post(path("/reachable"), { reachable: at("switch").dataset.to === "true" })));
at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = at("text").value;
  if (await attempt(() => post(path("/reply"), { text }))) at("text").value = "";
});
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); at("form").requestSubmit(); }
});
for (const text of replies) {
  const button = make("button", text);
  button.type = "button";
  button.addEventListener("click", () => attempt(() => post(path("/reply"), { text })));
  at("quick").append(button);
}

// One call at a time goes through the modem; the page looks at it twice a second while a phone is open.
const LOOK_MS = 500;
let ear = null;

async function lookAtCall() {
  const state = chosen ? await read("/api/call").catch(() => null) : null;
  const call = state?.calls.find((one) => one.number === chosen) ?? null;
  showCall(call, state);
}

function showCall(call, state) {
  const active = call?.state === "active";
  const rings = call?.way === "out" && !active;
  at("dial").hidden = Boolean(call) && !rings;
  at("dial").textContent = rings ? t.pick : t.dial;
  at("dial").dataset.to = rings ? "pick-up" : "call";
  at("hang").hidden = !call;
  at("keypad").hidden = !active;
  const words = rings ? t.calls.incoming : t.calls[call?.state === "incoming" ? "alerting" : call?.state] ?? "";
  at("call-state").hidden = !call;
  at("call-state").textContent = active && !state.hears ? t.calls.silent : words;
  at("call-state").className = `pill ${active ? "up" : ""}`;
  if (active && state.hears && !ear) listen();
  if (!active && ear) ear.close();
}

// Raw samples come as the network gives them; each piece is played where the last one ends.
async function listen() {
  const stop = new AbortController();
  const context = new AudioContext();
  ear = {
    close() {
      stop.abort();
      if (ear === own) ear = null;
      if (context.state !== "closed") void context.close();
    },
    samples: 0,
    loudest: 0,
  };
  const own = ear;
  try {
    const answer = await fetch("/api/call/sound", { signal: stop.signal });
    if (!answer.ok) throw new Error(String(answer.status));
    const reader = answer.body.getReader();
    let rest = new Uint8Array(0);
    let due = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const octets = new Uint8Array(rest.length + value.length);
      octets.set(rest);
      octets.set(value, rest.length);
      const count = octets.length >> 1;
      rest = octets.slice(count * 2);
      if (count === 0) continue;
      const view = new DataView(octets.buffer);
      const buffer = context.createBuffer(1, count, 8000);
      const samples = buffer.getChannelData(0);
      for (let i = 0; i < count; i += 1) samples[i] = view.getInt16(i * 2, true) / 32768;
      own.samples += count;
      own.loudest = Math.max(own.loudest, ...samples);
      document.body.dataset.heard = `${own.samples} ${own.loudest.toFixed(3)}`;
      const source = context.createBufferSource();
      source.buffer = buffer;
      source.connect(context.destination);
      // A little ahead, so that the network's unevenness is not heard; never more than half a second behind.
      if (due < context.currentTime || due > context.currentTime + 0.5) due = context.currentTime + 0.08;
      source.start(due);
      due += count / 8000;
    }
  } catch {
    // The call ended, or the modem gives no sound: the state says so.
  }
  own.close();
}

for (const key of "123456789*0#") {
  const button = make("button", key);
  button.type = "button";
  button.addEventListener("click", () => attempt(() => post("/api/call/press", { keys: key })));
  at("keypad").append(button);
}
at("hang").textContent = t.hang;
at("hang").addEventListener("click", () => attempt(() => post("/api/call/hang-up", {})).then(lookAtCall));
at("dial").addEventListener("click", () => attempt(() => post(at("dial").dataset.to === "call" ? path("/call") : "/api/call/pick-up", {})).then(lookAtCall));
setInterval(lookAtCall, LOOK_MS);
void lookAtCall();

const events = new EventSource("/api/events");
events.addEventListener("open", () => { live(true); refresh(); });
events.addEventListener("changed", refresh);
events.addEventListener("error", () => live(false));
addEventListener("pagehide", () => events.close());
live(false);
refresh();
