// The counter page: joins scanner, keys, live events, timers and sound to the fragments that the server sends.

import { EnterGuard, ScanQueue } from './guard.js';
import { OWNED, controlFor, moveInList } from './keys.js';
import { startLive } from './live.js';
import { IDLE_MS, ScanReader } from './scan.js';
import { fold, measure } from './segments.js';
import { Chime } from './sound.js';
import { syncClock, tickAll } from './ticks.js';

const htmx = window.htmx;
const body = document.body;
const scanField = document.getElementById('scan');
const byId = (id) => document.getElementById(id);
const work = () => byId('work');

const reader = new ScanReader();
const guard = new EnterGuard();
const drafts = new Map();
let before = null;
let idleTimer = 0;
let refreshWaits = false;

// ── Scans ────────────────────────────────────────────────────────────────────────────────────────────────────────

const scans = new ScanQueue(({ text, via }) => {
  const { order, mode, pending } = work().dataset;
  // Target and swap stand on the form: given here they would also hold for a refusal, which belongs in #notice.
  return htmx.ajax('POST', '/scan', {
    source: '#scan-form',
    values: { text, via, open: order, mode, pending, csrf: csrf() },
  });
});

function scanned(text) {
  clearTimeout(idleTimer);
  if (before) {
    before.field.value = before.value;
    before.field.dispatchEvent(new Event('input', { bubbles: true }));
  }
  before = null;
  for (const sheet of document.querySelectorAll('dialog[open]')) sheet.close();
  scanField.value = '';
  scanField.focus();
  scans.add({ text, via: 'scan' });
}

// ── Scans of the till ────────────────────────────────────────────────────────────────────────────────────────────

const tabId = crypto.getRandomValues(new Uint32Array(2)).join('-');
/** The note of a tab that is gone without a word is believed for so long; hidden tabs' timers run once a minute. */
const NOTE_GOOD_MS = 90_000;

/** The tab of this browser that a person used last, while it is there. */
function lastUsed() {
  try {
    const { tab, at } = JSON.parse(localStorage.getItem('last-used-tab') ?? '{}');
    return Date.now() - at < NOTE_GOOD_MS ? tab : undefined;
  } catch {
    return undefined;
  }
}

function noteUse() {
  try {
    localStorage.setItem('last-used-tab', JSON.stringify({ tab: tabId, at: Date.now() }));
  } catch {
    // A browser that keeps nothing: the tab that has the connection shows the scans.
  }
}

/** Exactly one tab says yes: the one that was used last, else the one that has the connection. */
function isForThisTab() {
  const tab = lastUsed();
  return tab === undefined ? live.leads : tab === tabId;
}

addEventListener('focus', noteUse);
addEventListener('pointerdown', noteUse, { capture: true });
setInterval(() => {
  if (lastUsed() === tabId) noteUse();
}, 5_000);
addEventListener('pagehide', () => {
  if (lastUsed() === tabId) localStorage.removeItem('last-used-tab');
});

function scannedAtTill(text) {
  if (document.querySelector('dialog[open]')) for (const sheet of document.querySelectorAll('dialog[open]')) sheet.close();
  scanField.value = '';
  scans.add({ text, via: 'scan' });
}

byId('scan-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = scanField.value.trim();
  scanField.value = '';
  if (text) scans.add({ text, via: 'hand' });
});

function isTextField(element) {
  return element instanceof HTMLTextAreaElement
    || (element instanceof HTMLInputElement && !['radio', 'checkbox', 'hidden'].includes(element.type));
}

/** Feeds the scan reader; answers true when the key was part of a scan's end. */
function readScan(event) {
  const read = reader.key({
    key: event.key, code: event.code, shift: event.shiftKey, at: event.timeStamp, repeat: event.repeat,
  });
  if (read.kind === 'first') {
    before = isTextField(event.target) ? { field: event.target, value: event.target.value } : null;
  }
  if (read.kind === 'first' || read.kind === 'more') {
    clearTimeout(idleTimer);
    // Only where no sentence is being written: a fast typist has no terminator either.
    if (!isTextField(event.target) || event.target === scanField) {
      idleTimer = setTimeout(() => {
        const text = reader.idle(performance.now());
        if (text !== null) scanned(text);
      }, IDLE_MS + 20);
    }
  }
  if (read.kind === 'scan') scanned(read.text);
  return read.kind === 'scan' || read.kind === 'swallow';
}

// ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function stop(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

addEventListener('keydown', (event) => {
  void chime.unlock();
  if (lastUsed() !== tabId) noteUse();
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (readScan(event)) return stop(event);
  if (event.key === 'Enter') return onEnter(event);
  if (OWNED.has(event.key)) return onFunctionKey(event);
  if (document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape') return onEscape(event);
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') return onArrow(event);
  if (event.key.length === 1 && event.key !== ' ' && !isTextField(event.target)) scanField.focus();
}, { capture: true });

function onEnter(event) {
  if (guard.blocks(event.timeStamp, event.repeat)) return stop(event);
  if (document.querySelector('dialog[open]')) return;
  const nothingFocused = event.target === body || event.target === byId('middle');
  const emptyScan = event.target === scanField && scanField.value.trim() === '';
  if (!nothingFocused && !emptyScan) return;
  stop(event);
  if (!scans.pending) work().querySelector('[data-primary]')?.click();
}

function onFunctionKey(event) {
  event.preventDefault();
  if (event.repeat || document.querySelector('dialog[open]') || scans.pending) return;
  controlFor(event.key)?.click();
}

function onEscape(event) {
  if (event.repeat) return;
  if (scanField.value !== '' || (isTextField(event.target) && event.target !== scanField)) {
    scanField.value = '';
    scanField.focus();
  } else {
    controlFor('Escape')?.click();
  }
}

function onArrow(event) {
  if (isTextField(event.target) && event.target !== scanField) return;
  if (event.target instanceof HTMLInputElement && event.target.type === 'radio') return;
  if (moveInList(event.key === 'ArrowDown' ? 1 : -1)) event.preventDefault();
}

// A press of Enter on a focused button arrives as a click: the guard has already stopped the key itself.
addEventListener('pointerdown', () => void chime.unlock(), { capture: true });

// ── Fragments ────────────────────────────────────────────────────────────────────────────────────────────────────

function csrf() {
  return document.querySelector('meta[name="csrf"]').content;
}

body.addEventListener('htmx:configRequest', ({ detail }) => {
  detail.headers['X-CSRF-Token'] = csrf();
  if (detail.path === '/board' || detail.path === '/side') detail.parameters.set('open', work().dataset.order);
});

body.addEventListener('htmx:beforeSwap', ({ detail }) => {
  const form = detail.requestConfig?.elt;
  if (form?.matches?.('[data-reply]') && !detail.isError) {
    drafts.delete(form.querySelector('textarea').dataset.order);
  }
});

body.addEventListener('htmx:afterSwap', ({ detail }) => {
  const swapped = detail.target?.id;
  refresh();
  const wasDoing = enterDoes;
  enterDoes = whatEnterDoes();
  // A card that is drawn anew because its text was delivered is the card that the person has read.
  if (swapped === 'work' || (swapped === 'card' && enterDoes !== wasDoing)) painted();
  if (swapped === 'work') opened();
});

/** The order in the middle and what Enter would do with it, in words to compare. */
function whatEnterDoes() {
  const button = work().querySelector('[data-primary]');
  const where = button?.closest('form')?.getAttribute('hx-post') ?? button?.getAttribute('hx-post');
  return [work().dataset.order, where, button?.textContent.trim()].join(' ');
}

let enterDoes = whatEnterDoes();

/** A new card stands on the screen: Enter means nothing until a person can have read it. */
function painted() {
  guard.painted(performance.now());
  requestAnimationFrame(() => guard.painted(performance.now()));
}

/** Another order, list or page is in the middle. */
function opened() {
  showTab(work().dataset.tab);
  scanField.value = '';
  scanField.focus();
}

/** What every new fragment needs, wherever it was put. */
function refresh() {
  const newest = Math.max(...Array.from(document.querySelectorAll('[data-now]'), (part) => Number(part.dataset.now)));
  syncClock(newest);
  const { order = '', mode = '', pending = '' } = work().dataset;
  const form = byId('scan-form');
  Object.assign(form.elements.open, { value: order });
  Object.assign(form.elements.mode, { value: mode });
  Object.assign(form.elements.pending, { value: pending });
  for (const field of document.querySelectorAll('[data-open-order]')) field.value = order;
  for (const row of document.querySelectorAll('.board [aria-current]')) row.removeAttribute('aria-current');
  if (order) byId(`row-${order}`)?.closest('.row')?.setAttribute('aria-current', 'true');
  const thread = document.querySelector('.thread');
  if (thread) thread.scrollTop = thread.scrollHeight;
  restoreDraft();
  tickAll();
  chime.ring(Number(document.querySelector('[data-ringing]')?.dataset.ringing ?? 0) > 0);
}

// ── The reply ────────────────────────────────────────────────────────────────────────────────────────────────────

function restoreDraft() {
  const field = byId('reply-text');
  if (!field) return;
  if (field.value === '') field.value = drafts.get(field.dataset.order) ?? '';
  countSegments();
}

function countSegments() {
  const field = byId('reply-text');
  const form = field.form;
  const text = form.querySelector('[data-fold]').checked ? fold(field.value) : field.value;
  const { units, parts, perPart } = measure(text);
  const shown = form.querySelector('[data-segments]');
  shown.textContent = parts === 0 ? '' : `${parts} ${shown.dataset.parts} · ${units}/${parts * perPart}`;
  shown.toggleAttribute('data-many', parts > 1);
}

body.addEventListener('input', ({ target }) => {
  if (target.id === 'reply-text') drafts.set(target.dataset.order, target.value);
  if (target.closest('[data-reply]')) countSegments();
});

// ── Clicks ───────────────────────────────────────────────────────────────────────────────────────────────────────

body.addEventListener('click', (event) => {
  const control = event.target.closest('[data-opens],[data-close],[data-focus],[data-focus-scan],[data-fill],[data-reload],[data-tab-to]');
  if (!control) return;
  const { opens, focus, fill, value, tabTo } = control.dataset;
  if (opens) byId(opens).showModal();
  if ('close' in control.dataset) control.closest('dialog').close();
  if (focus) {
    showTab('side');
    byId(focus)?.focus();
  }
  if ('focusScan' in control.dataset) scanField.focus();
  if (fill) {
    byId(fill).value = value;
    byId(fill).focus();
  }
  if (tabTo) showTab(tabTo);
  if ('reload' in control.dataset) {
    event.preventDefault();
    location.reload();
  }
});

// `close` does not bubble: listen on the way down.
document.addEventListener('close', () => {
  if (refreshWaits) askAgain('live-card');
  refreshWaits = false;
}, { capture: true });

function showTab(name) {
  body.dataset.tab = name;
  for (const tab of document.querySelectorAll('[data-tab-to]')) {
    tab.setAttribute('aria-pressed', String(tab.dataset.tabTo === name));
  }
}

// ── Live ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function askAgain(...what) {
  for (const name of what) htmx.trigger(body, name);
}

function askForCard() {
  // A form that somebody is filling in is not taken away; the card follows when the sheet is closed.
  refreshWaits = document.querySelector('dialog[open]') !== null;
  if (!refreshWaits) askAgain('live-card');
  askAgain('live-side');
}

let version = null;
let devicesWait = false;

/** Somebody writes into a field of the middle: it is not drawn anew under their hands. */
function writing() {
  const field = document.activeElement;
  return field !== scanField && isTextField(field) && work().contains(field);
}

addEventListener('focusout', () => setTimeout(() => {
  if (!devicesWait || writing()) return;
  devicesWait = false;
  askAgain('live-devices');
}));

function onEvent(name, data) {
  switch (name) {
    case 'hello':
      if (version !== null && data.version !== version) return location.reload();
      version = data.version;
      askAgain('live-board', 'live-pill', 'live-messages', 'live-calls', 'live-devices');
      return askForCard();
    case 'board':
      return askAgain('live-board');
    case 'pill':
      return askAgain('live-pill');
    case 'order':
      askAgain('live-board');
      if (data.order === work().dataset.order) askForCard();
      return undefined;
    case 'texts':
      return askAgain('live-side', 'live-pill', 'live-messages');
    case 'calls':
      return askAgain('live-calls', 'live-side');
    case 'devices':
      return writing() ? (devicesWait = true) : askAgain('live-devices');
    case 'scan':
      // Every tab of this browser hears it; the one that was used last shows it.
      return isForThisTab() ? scannedAtTill(data.text) : undefined;
    case 'bye':
      return location.assign('/login');
    default:
      return undefined;
  }
}

const soundPill = byId('sound-off');
const chime = new Chime((silent) => { soundPill.hidden = !silent; });
soundPill.addEventListener('click', () => void chime.unlock());

void chime.unlock();
if (document.hasFocus()) noteUse();
refresh();
painted();
showTab(body.dataset.tab);
setInterval(tickAll, 1000);
const live = startLive({
  url: '/events',
  channel: 'counter-live',
  names: ['board', 'pill', 'order', 'texts', 'calls', 'devices', 'scan', 'bye'],
  onEvent,
  onState: (up) => { byId('lost').hidden = up; },
});
