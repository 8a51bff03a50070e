import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnterGuard, MAX_WAITING_SCANS, QUIET_MS, ScanQueue } from './guard.js';

test('Enter is ignored for 400 ms after the card was painted', () => {
  const guard = new EnterGuard();
  guard.painted(1000);
  assert.equal(QUIET_MS, 400);
  assert.ok(guard.blocks(1000, false));
  assert.ok(guard.blocks(1399, false));
  assert.ok(!guard.blocks(1400, false));
});

test('a repeating Enter is always ignored', () => {
  const guard = new EnterGuard();
  guard.painted(0);
  assert.ok(guard.blocks(60_000, true));
});

test('a repaint begins the quiet time again and never shortens it', () => {
  const guard = new EnterGuard();
  guard.painted(1000);
  guard.painted(1300);
  guard.painted(1200);
  assert.ok(guard.blocks(1699, false));
  assert.ok(!guard.blocks(1700, false));
});

test('scans go out one after the other, also after one that failed', async () => {
  const sent = [];
  let under = 0;
  const queue = new ScanQueue(async (scan) => {
    under += 1;
    assert.equal(under, 1, 'two scans under way at once');
    await Promise.resolve();
    under -= 1;
    sent.push(scan);
    if (scan === 'b') throw new Error('refused');
  });
  ['a', 'b', 'c'].forEach((scan) => queue.add(scan));
  assert.ok(queue.pending);
  while (queue.pending) await Promise.resolve();
  assert.deepEqual(sent, ['a', 'b', 'c']);
});

test('the queue refuses the scan beyond its bound', () => {
  const queue = new ScanQueue(() => new Promise(() => {}));
  queue.add('under way');
  for (let n = 0; n < MAX_WAITING_SCANS; n += 1) assert.ok(queue.add(n));
  assert.ok(!queue.add('one too many'));
});
