import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER_WAIT_MS, Election, SILENCE_MS } from './election.js';

/** Tabs on one channel; `run` moves their common clock in steps of half a second. */
class Browser {
  constructor() {
    this.tabs = [];
    this.now = 0;
  }

  open(id) {
    const tab = { id, asleep: false, leads: false };
    tab.election = new Election(id, (message) => this.deliver(tab, message), (leads) => { tab.leads = leads; });
    this.tabs.push(tab);
    tab.election.start(this.now);
    return tab;
  }

  deliver(from, message) {
    for (const tab of this.tabs) if (tab !== from) tab.election.handle(message, this.now);
  }

  run(ms) {
    const end = this.now + ms;
    while (this.now < end) {
      this.now += 500;
      for (const tab of this.tabs) if (!tab.asleep) tab.election.tick(this.now);
    }
  }

  get leaders() {
    return this.tabs.filter((tab) => tab.leads).map((tab) => tab.id);
  }
}

test('a tab alone leads after the time for an answer', () => {
  const browser = new Browser();
  browser.open('a');
  assert.deepEqual(browser.leaders, []);
  browser.run(ANSWER_WAIT_MS + 500);
  assert.deepEqual(browser.leaders, ['a']);
});

test('tabs opened at once choose one leader', () => {
  const browser = new Browser();
  ['c', 'a', 'b'].forEach((id) => browser.open(id));
  browser.run(3000);
  assert.equal(browser.leaders.length, 1);
});

test('a later tab follows whatever its id', () => {
  const browser = new Browser();
  browser.open('m');
  browser.run(2000);
  browser.open('a');
  browser.open('z');
  browser.run(10_000);
  assert.deepEqual(browser.leaders, ['m']);
});

test('the leader leaves and another leads at once', () => {
  const browser = new Browser();
  const first = browser.open('a');
  browser.run(2000);
  browser.open('b');
  browser.open('c');
  browser.run(2000);
  first.election.leave();
  browser.run(1500);
  assert.equal(browser.leaders.length, 1);
  assert.notEqual(browser.leaders[0], 'a');
});

test('a leader whose timers sleep answers and stays', () => {
  const browser = new Browser();
  const first = browser.open('m');
  browser.run(2000);
  browser.open('a');
  first.asleep = true;
  browser.run(60_000);
  assert.deepEqual(browser.leaders, ['m']);
});

test('a leader that died without a word is replaced', () => {
  const browser = new Browser();
  browser.open('a');
  browser.run(2000);
  browser.open('b');
  browser.run(1000);
  browser.tabs.shift();
  browser.run(SILENCE_MS + 2000);
  assert.deepEqual(browser.leaders, ['b']);
});

test('of two leaders that meet one steps down', () => {
  const browser = new Browser();
  const [left, right] = [browser.open('a'), browser.open('b')];
  left.election.lead(browser.now);
  right.election.role = 'candidate';
  right.election.lead(browser.now);
  browser.run(5000);
  assert.equal(browser.leaders.length, 1);
});
