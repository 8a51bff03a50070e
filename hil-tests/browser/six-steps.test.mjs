// The main job as a person does it, in Chromium against the running demo: HQ takes an order, the counter stages a bag,
// the customer's phone gets the text and answers, staff scan and press Enter, the uplink is cut and joined.
//
// Starts a demo of its own, or takes the one whose `--ready-file` DEMO_READY names. Screenshots go to SHOTS, else to
// target/browser.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { demo, target } from './demo.mjs';

const { ready, stop } = await demo();
const shots = process.env.SHOTS ?? `${target}/browser`;
const SOON_MS = 20_000;
const NUMBER = `2026/11/9${String(Date.now()).slice(-6)}`;
const PHONE = `+48600${String(Date.now()).slice(-6)}`;
let browser;
let hq;
let counter;
const errors = [];

async function open(name, viewport = { width: 1280, height: 800 }) {
  const context = await browser.newContext({ viewport, locale: 'pl-PL' });
  const page = await context.newPage();
  page.setDefaultTimeout(SOON_MS);
  page.on('pageerror', (error) => errors.push(`${name}: ${error.message}`));
  page.on('console', (line) => {
    // A refusal that a step provokes is reported by the browser as a failed load; scripts that fail are not.
    if (line.type() === 'error' && !line.text().startsWith('Failed to load resource')) errors.push(`${name}: ${line.text()}`);
  });
  return page;
}

const shot = (page, name) => page.screenshot({ path: `${shots}/${name}.png`, caret: 'initial' });
const path = (number) => `/orders/${encodeURIComponent(number)}`;

async function until(look, what) {
  const end = Date.now() + SOON_MS;
  while (Date.now() < end) {
    if (await look()) return;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  await Promise.all([shot(counter, 'failed-counter'), shot(hq, 'failed-hq')]);
  assert.fail(`never: ${what}; target/browser/failed-*.png show the pages`);
}

/** Keys as a scanner sends them, 4 ms apart by their own time stamps however busy this machine is, Enter behind them. */
async function scan(page, text) {
  const raw = await page.context().newCDPSession(page);
  const keys = Array.from(text, (key) => ({ type: 'keyDown', key, text: key }));
  keys.push({ type: 'keyDown', key: 'Enter', code: 'Enter', text: '\r', windowsVirtualKeyCode: 13 });
  keys.push({ type: 'keyUp', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 });
  const start = Date.now() / 1_000;
  await Promise.all(keys.map((key, at) => raw.send('Input.dispatchKeyEvent', { ...key, timestamp: start + at * 0.004 })));
  await raw.detach();
}

/** Enter as a person presses it, once the card has been there long enough for a person to have seen it. */
async function enter(page) {
  await page.waitForTimeout(600);
  await page.keyboard.press('Enter');
}

const texts = async (number) => (await (await fetch(`${ready.phones}/api/phones/${encodeURIComponent(number)}`)).json());
const said = (thread) => JSON.stringify(thread);

async function codeOnPhone(number, order) {
  let code;
  await until(async () => {
    const answer = await fetch(`${ready.phones}/api/phones/${encodeURIComponent(number)}`);
    if (!answer.ok) return false;
    const text = said(await answer.json());
    if (!text.includes(order)) return false;
    const codes = text.match(/(?<![0-9+])[0-9]{6}(?![0-9])/g) ?? [];
    code = codes.find((one) => !order.endsWith(one));
    return code !== undefined;
  }, `a pickup text about ${order}`);
  return code;
}

async function place(number, phone) {
  await hq.goto(`${ready.hq}/orders/new`);
  await hq.locator('[name=order]').fill(number);
  await hq.locator('[name=kind]').selectOption('prepaid');
  await hq.locator('[name=customer_name]').fill('Łucja Żak');
  await hq.locator('[name=customer_phone]').fill(phone);
  await hq.locator('[name=sku]').first().fill('EKS-1');
  await hq.locator('[name=name]').first().fill('Ekspres przelewowy Lena 1,2 l');
  await hq.locator('[name=quantity]').first().fill('1');
  await hq.locator('[name=price]').first().fill('329,70');
}

async function stage(number, shelf) {
  await counter.goto(`${ready.counter}${path(number)}/stage`);
  const wanted = counter.locator('.expect');
  const bag = await wanted.innerText();
  await scan(counter, `B${number}-1`);
  await until(async () => (await wanted.innerText()) !== bag, 'the bag to be taken');
  // Nobody turns from a bag to a shelf in less; an Enter within 400 ms of a new card is ignored on purpose.
  await counter.waitForTimeout(600);
  await scan(counter, `S${shelf}`);
  await until(async () => (await counter.locator('.card .shelf').allInnerTexts()).join().includes(shelf), `the card with shelf ${shelf}`);
}

before(async () => {
  fs.mkdirSync(shots, { recursive: true });
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args });
  hq = await open('HQ');
  counter = await open('counter');
});

after(async () => {
  await browser?.close();
  await stop();
});

test('1: an order entered at HQ is on the counter within a second', async () => {
  await hq.goto(ready.hq);
  await shot(hq, '1-hq-login');
  await hq.locator('[name=id]').fill(ready.hq_user.id);
  await hq.locator('[name=password]').fill(ready.hq_user.password);
  await hq.locator('button[type=submit]').click();
  await hq.waitForURL((url) => !url.pathname.startsWith('/login'));
  await counter.goto(ready.counter);
  await shot(counter, '2-counter-login');
  await counter.locator(`[name=staff][value=${ready.staff[0].id}]`).check({ force: true });
  await counter.locator('#pin').fill(ready.staff[0].pin);
  await counter.locator('#pin').press('Enter');
  await counter.locator('.board-inner').waitFor();
  await place(NUMBER, PHONE);
  await shot(hq, '1-hq-new-order');
  const row = counter.locator(`[id="row-${NUMBER}"]`);
  const before = Number((await counter.locator('#b-pick').innerText()).match(/\d+/)?.[0] ?? 0);
  await hq.locator('.hq-submit button').click();
  const placed = Date.now();
  await until(async () => Number((await counter.locator('#b-pick').innerText()).match(/\d+/)?.[0] ?? 0) === before + 1, 'the order on the board');
  console.log(`placed at HQ, counted on the board after ${Date.now() - placed} ms`);
  assert.ok(Date.now() - placed < 5_000, 'on the board');
  await shot(counter, '2-board');
  assert.ok((await row.count()) <= 1);
});

test('2: staff stage a bag, and "delivered" comes with the report', async () => {
  await stage(NUMBER, 'B4');
  await until(async () => (await counter.locator('.flags').innerText()).match(/doręczon/i), 'the delivery report on the card');
  await shot(counter, '3-ready-card');
});

test('3: the customer answers JESTEM and is on top of the board; anything else changes nothing', async () => {
  const phones = await open('phones');
  await phones.goto(ready.phones);
  await codeOnPhone(PHONE, NUMBER);
  await phones.reload();
  await phones.waitForTimeout(300);
  await shot(phones, '4-phones');
  const reply = async (text) => {
    const answer = await fetch(`${ready.phones}/api/phones/${encodeURIComponent(PHONE)}/reply`, {
      method: 'POST', headers: { 'content-type': 'application/json', origin: ready.phones }, body: JSON.stringify({ text }),
    });
    assert.ok(answer.ok, `the phone sends: ${answer.status} ${await answer.text()}`);
  };
  await reply('czy moge przyjsc z psem?');
  await until(async () => (await counter.locator('#side').innerText()).includes('z psem'), 'the question beside the card');
  assert.equal(await counter.locator(`.row-wait[id="row-${NUMBER}"]`).count(), 0);
  await reply('jestem');
  await counter.locator(`.row-wait[id="row-${NUMBER}"]`).waitFor();
  await reply('status');
  await until(async () => said(await texts(PHONE)).split(NUMBER).length > 3, 'the answer to STATUS');
  await shot(counter, '5-arrived');
});

test('4: scan or six digits, one card, Enter: handed over; HQ knows; undo works', async () => {
  const code = await codeOnPhone(PHONE, NUMBER);
  await counter.goto(ready.counter);
  await counter.locator('#work').waitFor();
  await scan(counter, `O1:${ready.store}:${NUMBER}:${code}`);
  await counter.locator('[data-primary]').waitFor();
  await counter.waitForTimeout(200);
  assert.ok((await counter.locator('.card').innerText()).includes('✓'), 'the code is right');
  await shot(counter, '6-card');
  await enter(counter);
  await until(async () => (await counter.locator('.card .state').count()) > 0, 'handed over');
  await shot(counter, '7-handed-over');
  await hq.goto(`${ready.hq}/orders?q=${encodeURIComponent(NUMBER)}`);
  await until(async () => /handed over/i.test(await hq.locator('main').innerText()), 'HQ to know');
  await shot(hq, '7-hq-orders');
  await counter.keyboard.press('F9');
  await until(async () => (await counter.locator('.card .state').count()) === 0, 'undone');
  await scan(counter, `O1:${ready.store}:${NUMBER}:${code}`);
  await counter.locator('button[data-primary]').waitFor();
  await enter(counter);
  await until(async () => (await counter.locator('.card .state').count()) > 0, 'handed over again');
});

test('5: with the uplink cut everything goes on, and afterwards both ends agree and say why', async () => {
  const number = `${NUMBER}-b`;
  const phone = PHONE.replace('600', '601');
  await place(number, phone);
  await hq.locator('.hq-submit button').click();
  await counter.goto(ready.counter);
  await until(async () => (await counter.request.get(`${ready.counter}${path(number)}`)).ok(), 'the second order');
  const cut = await open('switch');
  await cut.goto(ready.switch);
  await shot(cut, '8-switch');
  assert.ok((await fetch(`${ready.switch}/cut`, { method: 'POST', headers: { origin: ready.switch } })).ok, 'the line is cut');
  await until(async () => /offline/i.test(await counter.locator('#pill').innerText()), 'the pill');
  await stage(number, 'C7');
  const code = await codeOnPhone(phone, number);
  await hq.goto(`${ready.hq}/orders?q=${encodeURIComponent(number)}`);
  await hq.getByText(number).first().click();
  await hq.getByText(/cancel/i).first().click();
  await hq.locator('form[action$="/cancel"] button').click();
  await until(async () => /cancel asked|cancel/i.test(await hq.locator('main').innerText()), 'HQ shows the wish');
  await shot(hq, '8-hq-cancel-asked');
  await counter.waitForTimeout(500);
  for (const digit of code) await counter.keyboard.type(digit, { delay: 120 });
  await counter.keyboard.press('Enter');
  await counter.locator('button[data-primary]').waitFor();
  await enter(counter);
  await until(async () => (await counter.locator('.card .state').count()) > 0, 'handed over while offline');
  await shot(counter, '8-offline-handed-over');
  assert.ok((await fetch(`${ready.switch}/restore`, { method: 'POST', headers: { origin: ready.switch } })).ok, 'the line is joined');
  await until(async () => !/offline/i.test(await counter.locator('#pill').innerText()), 'online again');
  await counter.locator('.why').waitFor();
  await shot(counter, '9-why');
  await hq.reload();
  await until(async () => /hand/i.test(await hq.locator('main').innerText()), 'HQ agrees');
  await shot(hq, '9-hq-why');
});

test('6: HQ sees the store, and a configuration is signed, applied, or refused with its field', async () => {
  await hq.goto(`${ready.hq}/stores`);
  await until(async () => /online/.test(await hq.locator('main').innerText()), 'the store online');
  await shot(hq, '10-stores');
  await hq.goto(`${ready.hq}/stores/${ready.store}`);
  await hq.locator('[name="holds.hold_hours"]').fill('0');
  await hq.getByText('Sign and send').click();
  await hq.locator('.hq-error').first().waitFor();
  await shot(hq, '10-config-refused');
  await hq.goto(`${ready.hq}/stores/${ready.store}`);
  await hq.locator('[name="holds.hold_hours"]').fill('72');
  await hq.getByText('Sign and send').click();
  await until(async () => {
    const health = await (await fetch(`${ready.counter}/healthz`)).json();
    return health.config.version > 0 && health.config.refused === null;
  }, 'the configuration in force');
  await hq.goto(`${ready.hq}/stores/${ready.store}`);
  await shot(hq, '10-store');
});

test('7: the customer calls the store, hears it, walks the menu by keys; nobody answers, and the call waits on the board', async () => {
  const number = `${NUMBER}-c`;
  const phone = PHONE.replace('600', '602');
  await place(number, phone);
  await hq.locator('.hq-submit button').click();
  await until(async () => (await counter.request.get(`${ready.counter}${path(number)}`)).ok(), 'the third order');
  await stage(number, 'D2');
  await codeOnPhone(phone, number);
  const phones = await open('phones');
  await phones.goto(`${ready.phones}/#${encodeURIComponent(phone)}`);
  await phones.locator('#dial').click();
  await phones.locator('#keypad button').first().waitFor();
  const loudest = async () => Number((await phones.locator('body').getAttribute('data-heard'))?.split(' ')[1] ?? 0);
  await until(async () => (await loudest()) > 0.05, 'something to hear in the browser');
  await shot(phones, '11-call');
  await counter.goto(`${ready.counter}/calls`);
  await counter.locator('[aria-labelledby=c-live] a').first().click();
  const story = async () => counter.locator('table').innerText();
  await until(async () => (await story()).includes('menu'), 'the menu');
  await phones.getByRole('button', { name: '1', exact: true }).click();
  await until(async () => (await story()).includes('status'), 'the order to be read out');
  await phones.getByRole('button', { name: '2', exact: true }).click();
  await until(async () => (await story()).includes('nobody'), 'nobody to answer');
  await shot(counter, '11-call-timeline');
  await counter.goto(ready.counter);
  await until(async () => (await counter.locator('#b-missed').count()) === 1, 'the missed call on the board');
  await shot(counter, '11-missed');
  await counter.goto(`${ready.counter}/calls`);
  await shot(counter, '11-calls');
  await counter.locator('[aria-labelledby=c-missed] button').first().click();
  await until(async () => (await counter.locator('[aria-labelledby=c-missed] button').count()) === 0, 'it to be dealt with');
});

test('every page fits a telephone', async () => {
  const phone = { width: 390, height: 844 };
  for (const [name, page, places] of [
    ['counter', counter, ['/', path(NUMBER), '/messages', '/calls', '/health-page']],
    ['hq', hq, ['/stores', '/orders', '/orders/new', `/stores/${ready.store}`, '/alerts', '/import']],
  ]) {
    await page.setViewportSize(phone);
    for (const place of places) {
      await page.goto(`${ready[name === 'hq' ? 'hq' : 'counter']}${place}`);
      await page.waitForTimeout(300);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      await shot(page, `390-${name}${place.replaceAll(/[^a-z0-9]+/gi, '-')}`);
      assert.ok(wide <= 0, `${name}${place} is ${wide} px too wide`);
    }
  }
});

test('no script failed anywhere', () => {
  assert.deepEqual(errors, []);
});
