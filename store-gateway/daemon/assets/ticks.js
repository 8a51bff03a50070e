// Timers that run in the browser from data attributes, by the server's clock.
//
//   data-tick="since"  data-at=ms   5:12, counting up; also sets data-level on the nearest [data-wait]
//   data-tick="down"   data-at=ms   9:41, counting down to 0:00
//   data-tick="left"   data-at=ms   22 min, 3 h; −5 min once it has passed
//   data-tick="clock"               HH:MM of the store, from the element's datetime attribute
//   data-gone=ms                    the element is hidden from then on

/** "5:12", from an hour on "1 h 05". The server writes the same (format.rs, `timer`). */
export function timer(seconds, units) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const two = (n) => String(n).padStart(2, '0');
  return hours === 0 ? `${minutes}:${two(whole % 60)}` : `${hours} ${units.hour} ${two(minutes)}`;
}

/** "22 min", "1 h", "3 d" (format.rs, `rough`). */
export function rough(seconds, units) {
  const minutes = Math.floor((Math.max(0, Math.floor(seconds)) + 59) / 60);
  if (minutes < 60) return `${minutes} ${units.minute}`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} ${units.hour}`;
  return `${Math.floor(minutes / 1440)} ${units.day}`;
}

/** "calm", "soon" or "late" for a wait. */
export function level(seconds, amber, red) {
  if (seconds >= red) return 'late';
  return seconds >= amber ? 'soon' : 'calm';
}

let offset = 0;

/** Takes the server's clock from the newest fragment. */
export function syncClock(serverMs) {
  if (serverMs > 0) offset = serverMs - Date.now();
}

/** The server's time in Unix milliseconds. */
export function serverNow() {
  return Date.now() + offset;
}

/** Brings every timer of the page up to date. */
export function tickAll(root = document) {
  const now = serverNow();
  const { unitHour: hour, unitMinute: minute, unitDay: day } = document.body.dataset;
  const units = { hour, minute, day };
  for (const element of root.querySelectorAll('[data-tick]')) {
    setText(element, textOf(element, now, units));
  }
  const bounds = document.querySelector('[data-amber]')?.dataset ?? {};
  for (const row of root.querySelectorAll('[data-wait]')) {
    const waited = (now - Number(row.dataset.wait)) / 1000;
    row.dataset.level = level(waited, Number(bounds.amber ?? 180), Number(bounds.red ?? 300));
  }
  for (const element of root.querySelectorAll('[data-gone]')) {
    if (now >= Number(element.dataset.gone)) element.hidden = true;
  }
}

function textOf(element, now, units) {
  const at = Number(element.dataset.at);
  switch (element.dataset.tick) {
    case 'since':
      return timer((now - at) / 1000, units);
    case 'down':
      return timer((at - now) / 1000, units);
    case 'left':
      return now > at ? `−${rough((now - at) / 1000, units)}` : rough((at - now) / 1000, units);
    case 'clock':
      return clock(element);
    default:
      return element.textContent;
  }
}

const started = Date.now();

function clock(element) {
  const shown = Date.parse(`${element.dateTime || element.getAttribute('datetime')}Z`);
  if (Number.isNaN(shown)) return element.textContent;
  return new Date(shown + Date.now() - started).toISOString().slice(11, 16);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
