// HQ's pages in the browser: live updates, the file drop, one more line in the form. Everything else is plain HTML.

import { startLive } from './live.js';

const COALESCE_MS = 400;
const ROWS_SHOWN = 2000;
const csrf = document.body.dataset.csrf ?? '';

/**
 * The first event of a name is passed on at once; those within a short while after it become one, so that an import of a
 * thousand orders is a few refreshes.
 */
const calm = new Map();
function announce(name) {
  if (calm.has(name)) {
    calm.set(name, true);
    return;
  }
  calm.set(name, false);
  document.body.dispatchEvent(new CustomEvent(`live:${name}`));
  setTimeout(() => {
    const again = calm.get(name);
    calm.delete(name);
    if (again) announce(name);
  }, COALESCE_MS);
}

/** The first hello only says that the line stands: the page has just been drawn. */
let greeted = false;
function hello() {
  if (greeted) announce('hello');
  greeted = true;
}

startLive({
  url: '/events',
  channel: 'hq-live',
  names: ['store', 'order', 'alerts'],
  onEvent: (name) => (name === 'hello' ? hello() : announce(name)),
  onState: (up) => { document.getElementById('live-state').hidden = up; },
});

const addLine = document.getElementById('add-line');
if (addLine) {
  addLine.hidden = false;
  addLine.addEventListener('click', () => {
    const lines = document.getElementById('lines');
    const line = lines.lastElementChild.cloneNode(true);
    for (const input of line.querySelectorAll('input')) input.value = input.name === 'quantity' ? '1' : '';
    line.querySelector('.hq-error')?.remove();
    lines.append(line);
    line.querySelector('input').focus();
  });
}

const drop = document.getElementById('drop');
if (drop) setUpDrop(drop);

function setUpDrop(area) {
  const file = document.getElementById('file');
  file.addEventListener('change', () => file.files[0] && send(file.files[0]));
  for (const name of ['dragover', 'dragenter']) {
    area.addEventListener(name, (event) => { event.preventDefault(); area.classList.add('over'); });
  }
  area.addEventListener('dragleave', () => area.classList.remove('over'));
  area.addEventListener('drop', (event) => {
    event.preventDefault();
    area.classList.remove('over');
    const dropped = event.dataTransfer.files[0];
    if (dropped) send(dropped);
  });
  document.getElementById('only-refused').addEventListener('change', (event) => {
    document.querySelector('.hq-answers').classList.toggle('refused-only', event.target.checked);
  });
}

async function send(file) {
  const show = new Answers(file);
  try {
    await show.expect();
    const answer = await fetch('/orders/import', { method: 'POST', body: file, headers: headersFor(file) });
    if (!answer.ok) {
      const problem = await answer.json();
      show.fail(problem.detail || problem.title);
      return;
    }
    await readLines(answer.body, (line) => show.take(JSON.parse(line)));
    show.end();
  } catch (error) {
    show.fail(`The file could not be sent: ${error.message}`);
  }
}

function headersFor(file) {
  const kind = /\.csv$/i.test(file.name) ? 'text/csv' : /\.(jsonl|ndjson)$/i.test(file.name) ? 'application/x-ndjson' : 'text/plain';
  return { 'X-CSRF-Token': csrf, 'Content-Type': kind };
}

async function readLines(stream, each) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    rest += value ?? '';
    const lines = rest.split('\n');
    rest = done ? '' : lines.pop();
    for (const line of lines) if (line.trim()) each(line);
    if (done) return;
  }
}

class Answers {
  constructor(file) {
    this.file = file;
    this.counts = { placed: 0, same: 0, refused: 0 };
    this.lines = 0;
    this.rows = document.getElementById('rows');
    this.rows.replaceChildren();
    document.getElementById('progress').hidden = false;
    document.getElementById('answers').hidden = true;
    document.getElementById('import-problem').hidden = true;
    document.getElementById('file-name').textContent = file.name;
    document.getElementById('bar').removeAttribute('value');
    this.count();
  }

  /** How many lines the file has, for the bar. */
  async expect() {
    let lines = 0;
    let last = 10;
    const reader = this.file.stream().getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (const byte of value) if (byte === 10) lines += 1;
      if (value.length) last = value[value.length - 1];
    }
    this.lines = lines + (last === 10 ? 0 : 1);
  }

  take(answer) {
    if (answer.line === null) {
      this.fail(answer.problem.detail || answer.problem.title);
      return;
    }
    const kind = answer.status === 201 ? 'placed' : answer.status === 200 ? 'same' : 'refused';
    this.counts[kind] += 1;
    if (kind === 'refused' || this.rows.childElementCount < ROWS_SHOWN) this.rows.append(this.row(answer, kind));
    document.getElementById('answers').hidden = false;
    const bar = document.getElementById('bar');
    bar.max = Math.max(this.lines, answer.to_line);
    bar.value = answer.to_line;
    this.count();
  }

  row(answer, kind) {
    const row = document.createElement('tr');
    if (kind !== 'refused') row.dataset.good = '';
    const cell = (content, name) => {
      const td = document.createElement('td');
      if (name) td.className = name;
      td.append(content);
      row.append(td);
    };
    cell(answer.to_line > answer.line ? `${answer.line}–${answer.to_line}` : String(answer.line), 'end num soft');
    cell(kind === 'refused' ? answer.order || '—' : link(answer), 'num');
    const pill = document.createElement('span');
    pill.className = `pill pill-small pill-${{ placed: 'go', same: 'plain', refused: 'stop' }[kind]}`;
    pill.textContent = { placed: 'placed', same: 'there already', refused: 'refused' }[kind];
    const answered = document.createElement('span');
    answered.append(pill, ' ', answer.problem ? answer.problem.detail || answer.problem.title : '');
    cell(answered);
    return row;
  }

  count() {
    for (const [kind, count] of Object.entries(this.counts)) document.getElementById(kind).textContent = String(count);
    const all = Object.values(this.counts).reduce((sum, count) => sum + count, 0);
    document.getElementById('count').textContent = `${all} orders`;
  }

  end() {
    const bar = document.getElementById('bar');
    bar.max = 1;
    bar.value = 1;
  }

  fail(why) {
    const problem = document.getElementById('import-problem');
    problem.textContent = why;
    problem.hidden = false;
    document.getElementById('bar').value = 0;
  }
}

function link({ store, order }) {
  const a = document.createElement('a');
  a.href = `/order/${encodeURIComponent(store)}/${encodeURIComponent(order)}`;
  a.textContent = order;
  return a;
}
