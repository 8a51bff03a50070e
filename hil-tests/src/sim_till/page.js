"use strict";
const texts = {
  pl: { title: "Kasa", live: "na żywo", away: "brak połączenia", scan: "Skaner", text: "Tekst kodu, Enter skanuje", aim: "Przedrostek AIM", noAim: "bez przedrostka", send: "Skanuj", quick: "Kody z paragonów", open: "port otwarty", closed: "nikt nie słucha", lost: "przepadł", drawer: "Szuflada", drawerOpen: "otwarta", drawerClosed: "zamknięta", close: "Zamknij", pull: "Otwórz kluczem", pulses: (n) => `Impulsy: ${n}`, printer: "Drukarka", ready: "gotowa", stopped: "nie drukuje", off: "wyłączona", gone: "nie odpowiada", paper: "Papier", papers: { ok: "jest", low: "kończy się", out: "skończył się" }, cover: "Pokrywa otwarta", power: "Zasilanie", silent: "Milczy", figures: (s) => `Oktety: ${s.octets} · w buforze: ${s.buffered} · nieznane polecenia: ${s.unknown_commands}`, slips: "Wydruki", none: "Nic jeszcze nie wydrukowano.", tear: "Oderwij", slip: (n) => `Wydruk ${n}`, failed: "Nie udało się: " },
  en: { title: "Till", live: "live", away: "disconnected", scan: "Scanner", text: "Text of a code, Enter scans", aim: "AIM prefix", noAim: "no prefix", send: "Scan", quick: "Codes on the slips", open: "port open", closed: "nobody listens", lost: "lost", drawer: "Drawer", drawerOpen: "open", drawerClosed: "closed", close: "Close", pull: "Open by key", pulses: (n) => `Pulses: ${n}`, printer: "Printer", ready: "ready", stopped: "does not print", off: "switched off", gone: "does not answer", paper: "Paper", papers: { ok: "enough", low: "near its end", out: "ended" }, cover: "Cover open", power: "Power", silent: "Silent", figures: (s) => `Octets: ${s.octets} · buffered: ${s.buffered} · unknown commands: ${s.unknown_commands}`, slips: "Slips", none: "Nothing has been printed yet.", tear: "Tear off", slip: (n) => `Slip ${n}`, failed: "Failed: " },
};
const language = navigator.language.startsWith("en") ? "en" : "pl";
const t = texts[language];
// Twice a second: a drawer that opens is seen at once, and a look costs one small answer.
const LOOK_MS = 500;
// Beside the codes on the slips: an article, and one that no shop has.
const examples = ["5901234123457", "0000000000000"];
const QUICK_CODES = 8;
const at = (id) => document.getElementById(id);

function make(tag, text, name) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
}

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || String(answer.status));
}

async function attempt(job) {
  at("error").hidden = true;
  try { await job(); } catch (error) {
    at("error").textContent = t.failed + error.message;
    at("error").hidden = false;
  }
  await look();
}

const order = (body) => attempt(() => post("/api/printer", body));
const scan = (text) => attempt(() => post("/api/scan", { text, aim: at("aim").value }));

function pill(id, text, name) {
  at(id).textContent = text;
  at(id).className = `pill ${name}`;
}

function press(id, on, enabled) {
  at(id).setAttribute("aria-pressed", String(on));
  at(id).disabled = !enabled;
}

function showPrinter(printer) {
  const there = printer !== null;
  const condition = printer?.condition;
  if (!there) pill("printer-state", t.gone, "cut");
  else if (!printer.powered) pill("printer-state", t.off, "cut");
  else pill("printer-state", printer.online ? t.ready : t.stopped, printer.online ? "up" : "stalled");
  for (const state of Object.keys(t.papers)) press(`paper-${state}`, condition?.paper === state, there);
  press("cover", condition?.cover_open === true, there);
  press("power", printer?.powered === true, there);
  press("silent", printer?.silent === true, there);
  at("figures").textContent = there ? t.figures(printer) : "";
  const open = condition?.drawer_open === true;
  at("till").dataset.open = String(open);
  pill("drawer-state", open ? t.drawerOpen : t.drawerClosed, open ? "stalled" : "up");
  at("drawer-move").textContent = open ? t.close : t.pull;
  at("drawer-move").dataset.to = String(!open);
  at("drawer-move").disabled = !there;
  at("tear").disabled = !there;
  at("pulses").textContent = there ? t.pulses(printer.pulses[0] + printer.pulses[1]) : "";
}

// A slip never changes, so only new ones are put before the others.
function showSlips(slips) {
  const list = at("slips");
  const known = new Map([...list.children].map((item) => [item.dataset.number, item]));
  const items = slips.map((slip) => known.get(String(slip.number)) ?? makeSlip(slip));
  const same = items.length === list.children.length && items.every((item, place) => item === list.children[place]);
  if (!same) list.replaceChildren(...items);
  at("none").hidden = slips.length > 0;
}

function makeSlip(slip) {
  const item = make("li");
  item.dataset.number = slip.number;
  const picture = make("img");
  picture.src = `/slips/${slip.number}`;
  picture.width = slip.dots;
  picture.height = slip.rows;
  picture.alt = slip.text;
  const figure = make("figure");
  figure.append(picture, make("figcaption", t.slip(slip.number)));
  item.append(figure);
  return item;
}

function showQuick(slips) {
  const codes = [...new Set([...slips.flatMap((slip) => slip.codes), ...examples])].slice(0, QUICK_CODES);
  const quick = at("quick");
  if (quick.dataset.codes === JSON.stringify(codes)) return;
  quick.dataset.codes = JSON.stringify(codes);
  quick.replaceChildren(...codes.map((code) => {
    const button = make("button", code);
    button.type = "button";
    button.addEventListener("click", () => scan(code));
    return button;
  }));
}

function showScanner(scanner) {
  pill("scanner", scanner.open ? t.open : t.closed, scanner.open ? "up" : "stalled");
  const shown = JSON.stringify(scanner.sent);
  if (at("sent").dataset.shown === shown) return;
  at("sent").dataset.shown = shown;
  at("sent").replaceChildren(...scanner.sent.map((sent) => {
    const item = make("li");
    const time = new Date(sent.at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    item.append(make("span", time, "soft"), make("code", sent.shown));
    if (!sent.taken) item.append(make("span", t.lost, "lost"));
    return item;
  }));
}

async function look() {
  try {
    const answer = await fetch("/api/desk");
    if (!answer.ok) throw new Error(String(answer.status));
    const desk = await answer.json();
    showPrinter(desk.printer);
    showSlips(desk.slips);
    showQuick(desk.slips);
    showScanner(desk.scanner);
    pill("live", t.live, "up");
  } catch {
    pill("live", t.away, "cut");
  }
}

// One look after the other: a slow answer must not overtake a later one.
async function keepLooking() {
  await look();
  setTimeout(keepLooking, LOOK_MS);
}

function makeSwitch(id, text, name, click) {
  const button = make("button", text, name);
  button.id = id;
  button.type = "button";
  button.addEventListener("click", () => click(button.getAttribute("aria-pressed") !== "true"));
  return button;
}

document.documentElement.lang = language;
document.title = t.title;
for (const [id, text] of Object.entries({ title: t.title, "scan-title": t.scan, "text-label": t.text, "aim-label": t.aim, send: t.send, "quick-label": t.quick, "drawer-title": t.drawer, "printer-title": t.printer, "paper-label": t.paper, "slips-title": t.slips, none: t.none, tear: t.tear })) at(id).textContent = text;
at("aim").options[0].textContent = t.noAim;
for (const state of Object.keys(t.papers)) {
  at("paper").append(makeSwitch(`paper-${state}`, t.papers[state], state === "ok" ? "" : "trouble", () => order({ do: "paper", state })));
}
at("switches").append(
  makeSwitch("cover", t.cover, "trouble", (open) => order({ do: "cover", open })),
  makeSwitch("silent", t.silent, "trouble", (on) => order({ do: "silent", on })),
  makeSwitch("power", t.power, "", (on) => order({ do: "power", on })),
);
at("drawer-move").addEventListener("click", () => order({ do: "drawer", open: at("drawer-move").dataset.to === "true" }));
at("tear").addEventListener("click", () => order({ do: "tear" }));
at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  await scan(at("text").value);
  at("text").select();
});
showPrinter(null);
void keepLooking();
