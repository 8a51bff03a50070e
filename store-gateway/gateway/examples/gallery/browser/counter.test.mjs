// The counter page's own scripts in a real browser, under the real policy, against a server that plays the gateway:
// what a scanner may do, what Enter may do, what live events leave alone.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { POLICY, browser, gallery, serve } from './stand.mjs';

const QUIET_MS = 450;
const asked = [];
const streams = new Set();
const errors = [];
let stand;
let chromium;
let context;
let page;

const drawn = (name) => fs.readFileSync(`${gallery}/${name}.pl.light.html`, 'utf8');
const part = (html, from, to) => html.slice(html.indexOf(from), html.indexOf(to, html.indexOf(from)));
const work = (name) => part(drawn(name), '<div id="work"', '<nav class="tabs"');

function answer(request, url, body, response) {
  if (url.pathname.startsWith('/assets/')) return false;
  if (url.pathname === '/events') return stream(response);
  const posted = Object.fromEntries(new URLSearchParams(body));
  asked.push({ way: `${request.method} ${url.pathname}${url.search}`, posted, csrf: request.headers['x-csrf-token'] });
  const [status, html, headers = {}] = reply(url.pathname, posted, 'hx-request' in request.headers);
  response.writeHead(status, { 'content-type': 'text/html', 'Content-Security-Policy': POLICY, ...headers }).end(html);
  return true;
}

function reply(path, posted, fragment) {
  const whole = (name) => [200, fragment ? work(name) : drawn(name)];
  if (path === '/board') return [200, part(drawn('card'), '<div class="board-inner"', '</nav>')];
  if (path === '/pill') return [200, '<span class="pill pill-info">1</span>'];
  if (path === '/side') return [200, `${part(work('card'), '<aside id="side"', '</aside>')}</aside>`];
  if (path === '/orders/48213/card') return [200, `${part(work('card'), '<article id="card"', '</article>')}</article>`];
  if (path === '/messages') return whole('messages');
  if (path === '/scan' && posted.text === '000000') return [409, '<p data-problem="wrong-code">no</p>'];
  if (path === '/scan' && posted.text.startsWith('B48240')) return whole('card-wrong-bag');
  if (path === '/scan') return [200, work('card'), { 'HX-Push-Url': '/orders/48213' }];
  if (path.endsWith('/hand-over')) return whole('card-done');
  return whole(path.startsWith('/orders/') ? 'card' : 'empty');
}

function stream(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('event: hello\ndata: {"version":"1"}\n\n');
  streams.add(response);
  response.on('close', () => streams.delete(response));
  return true;
}

const say = (event, data = {}) => streams.forEach((to) => to.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
const count = (way) => asked.filter((one) => one.way.startsWith(way)).length;
const last = (way) => asked.filter((one) => one.way.startsWith(way)).at(-1);

async function until(holds, what) {
  for (let tries = 0; tries < 800; tries += 1) {
    // A page that is being loaded can't be asked; the next look can.
    if (await Promise.resolve().then(holds).catch(() => false)) return;
    await page.waitForTimeout(25);
  }
  assert.fail(`never: ${what}`);
}

/** Keys as a scanner sends them, 5 ms apart by their own time stamps however busy this machine is. */
async function scan(text) {
  const raw = await context.newCDPSession(page);
  const start = Date.now() / 1_000;
  const keys = Array.from(text, (key) => ({ type: 'keyDown', key, text: key }));
  keys.push({ type: 'keyDown', key: 'Enter', code: 'Enter', text: '\r', windowsVirtualKeyCode: 13 });
  keys.push({ type: 'keyUp', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 });
  await Promise.all(keys.map((key, n) => raw.send('Input.dispatchKeyEvent', { ...key, timestamp: start + n / 200 })));
  await raw.detach();
}

const focused = () => page.evaluate(() => document.activeElement.id);
const shows = (selector) => page.evaluate((wanted) => document.querySelector(wanted) !== null, selector);

async function openCard() {
  const before = count('POST /scan');
  await scan('B48213-1');
  await until(() => count('POST /scan') > before, 'the scan');
  await until(() => shows('#work[data-order="48213"] [data-primary]'), 'the card');
}

before(async () => {
  stand = await serve(answer);
  chromium = await browser();
  context = await chromium.newContext({ viewport: { width: 1280, height: 800 } });
  page = await context.newPage();
  page.on('console', (line) => line.type() === 'error' && !line.text().includes('409') && errors.push(line.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(`${stand.base}/`);
  await until(() => streams.size === 1, 'the connection for events');
});
after(async () => {
  await chromium.close();
  stand.stop();
});

test('the scan field has the focus and the first event refetches the board', async () => {
  assert.equal(await focused(), 'scan');
  await until(() => count('GET /board') > 0, 'the board');
});

test('a scan opens the order and its own Enter hands nothing over', async () => {
  await openCard();
  const { posted, csrf } = last('POST /scan');
  assert.deepEqual([posted.text, posted.via, posted.open], ['B48213-1', 'scan', '']);
  assert.equal(csrf, 'sample');
  await page.keyboard.press('Enter');
  assert.equal(count('POST /orders/48213/hand-over'), 0);
  assert.equal(await page.inputValue('#scan'), '');
});

test('another order’s bag turns the card red and blocks Enter', async () => {
  await scan('B48240-1');
  await until(() => shows('.card-top-stop'), 'the red card');
  assert.equal(last('POST /scan').posted.open, '48213');
  await page.waitForTimeout(QUIET_MS);
  await page.keyboard.press('Enter');
  assert.equal(count('POST /orders/48213/hand-over'), 0);
});

test('six digits by hand are a code, and a refusal leaves the card', async () => {
  await openCard();
  await page.waitForTimeout(QUIET_MS);
  await page.keyboard.type('000000', { delay: 70 });
  await page.keyboard.press('Enter');
  await until(() => shows('#notice [data-problem="wrong-code"]'), 'the refusal');
  assert.equal(last('POST /scan').posted.via, 'hand');
  assert.ok(await shows('#card'));
});

test('live events and scans leave a reply that is being written alone', async () => {
  await page.keyboard.press('F6');
  assert.equal(await focused(), 'reply-text');
  await page.keyboard.type('Zażółć', { delay: 60 });
  assert.equal(await page.textContent('[data-segments]'), '1 SMS · 6/160');
  say('order', { order: '48213' });
  await until(() => count('GET /side?open=48213') > 0, 'the conversation');
  await page.waitForTimeout(150);
  assert.deepEqual([await page.inputValue('#reply-text'), await focused()], ['Zażółć', 'reply-text']);
  const before = count('POST /scan');
  await scan('O1:wola:48213:123456');
  await until(() => count('POST /scan') > before, 'the scan');
  assert.equal(last('POST /scan').posted.text, 'O1:wola:48213:123456');
  await until(async () => await page.inputValue('#reply-text') === 'Zażółć', 'the draft');
});

test('a sheet stays open while the order changes and the card follows after it', async () => {
  await page.waitForTimeout(QUIET_MS);
  await page.keyboard.press('F3');
  assert.ok(await shows('#sheet-refuse[open]'));
  const before = count('GET /orders/48213/card');
  say('order', { order: '48213' });
  await page.waitForTimeout(200);
  assert.ok(await shows('#sheet-refuse[open]'));
  assert.equal(count('GET /orders/48213/card'), before);
  await page.keyboard.press('Escape');
  await until(() => count('GET /orders/48213/card') > before, 'the card');
});

test('Enter hands over once, Escape goes back, arrows and Enter open the next', async () => {
  await page.waitForTimeout(QUIET_MS);
  await page.focus('#scan');
  // The same card drawn anew, because its text was delivered, is no new card: Enter works at once.
  await page.evaluate(() => { document.getElementById('card').dataset.old = ''; });
  say('order', { order: '48213' });
  await until(() => shows('#card:not([data-old])'), 'the card drawn anew');
  await until(async () => !(await shows('.htmx-settling, .htmx-swapping')), 'its forms to be taken over');
  await page.keyboard.press('Enter');
  await until(() => count('POST /orders/48213/hand-over') === 1, 'the hand-over');
  assert.equal(last('POST /orders/48213/hand-over').posted.version, '12');
  // The answer is on the screen before the next key: it would else be drawn over what that key opens.
  await until(() => shows('.banner-large.state'), 'the card that is done');
  await page.waitForTimeout(QUIET_MS);
  await page.keyboard.press('Escape');
  await until(() => shows('#work[data-order=""]'), 'the empty counter');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'row-48213');
  await page.keyboard.press('ArrowDown');
  await page.waitForTimeout(QUIET_MS);
  await page.keyboard.press('Enter');
  await until(() => count('GET /orders/48240') > 0, 'the next order');
});

test('two tabs share one connection and the second takes over', async () => {
  const second = await context.newPage();
  await second.goto(`${stand.base}/`);
  await second.waitForTimeout(1500);
  assert.equal(streams.size, 1);
  const before = count('GET /pill');
  say('pill');
  await until(() => count('GET /pill') === before + 2, 'both tabs');
  await page.close();
  page = second;
  await page.waitForTimeout(300);
  await until(() => streams.size === 1, 'the other tab’s connection');
});

test('nothing offended the policy and nothing threw', () => {
  assert.deepEqual(errors, []);
});
