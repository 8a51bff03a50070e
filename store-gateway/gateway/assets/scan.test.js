import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDLE_MS, MAX_GAP_MS, ScanReader, isCode, latin } from './scan.js';

/** Types a text with a gap in milliseconds; answers the time after it. */
function type(reader, text, gap, from = 1000) {
  let at = from;
  for (const key of text) {
    reader.key({ key, at });
    at += gap;
  }
  return at;
}

test('a burst and its Enter are one scan', () => {
  const reader = new ScanReader();
  const at = type(reader, 'B48213-1', 8);
  assert.deepEqual(reader.key({ key: 'Enter', at }), { kind: 'scan', text: 'B48213-1' });
});

test('four characters fifty milliseconds apart are the slowest and shortest scan', () => {
  const reader = new ScanReader();
  const at = type(reader, 'SB4x', MAX_GAP_MS);
  assert.equal(reader.key({ key: 'Enter', at }).kind, 'scan');
});

test('one millisecond slower is a person', () => {
  const reader = new ScanReader();
  const at = type(reader, '123456', MAX_GAP_MS + 1);
  assert.deepEqual(reader.key({ key: 'Enter', at }), { kind: 'none' });
});

test('three characters are no scan however fast', () => {
  const reader = new ScanReader();
  const at = type(reader, 'SB4', 5);
  assert.equal(reader.key({ key: 'Enter', at }).kind, 'none');
});

test('an Enter that comes late after a burst is a person’s, not the scanner’s', () => {
  const reader = new ScanReader();
  const at = type(reader, '5901234123457', 8);
  assert.equal(reader.key({ key: 'Enter', at: at + MAX_GAP_MS }).kind, 'none');
});

test('only the fast part counts when a scan follows typed characters', () => {
  const reader = new ScanReader();
  reader.key({ key: 'x', at: 0 });
  assert.equal(reader.key({ key: 'B', at: 900 }).kind, 'first');
  const at = type(reader, '48213-1', 8, 908);
  assert.deepEqual(reader.key({ key: 'Enter', at }), { kind: 'scan', text: 'B48213-1' });
});

test('a second terminator right behind the scan is swallowed, a later one is not', () => {
  const reader = new ScanReader();
  const at = type(reader, 'B48213-1', 8);
  reader.key({ key: 'Enter', at });
  assert.equal(reader.key({ key: 'Enter', at: at + 5 }).kind, 'swallow');
  assert.equal(reader.key({ key: 'Enter', at: at + IDLE_MS + 1 }).kind, 'none');
});

test('Tab ends a scan too', () => {
  const reader = new ScanReader();
  const at = type(reader, 'SB4-02', 8);
  assert.equal(reader.key({ key: 'Tab', at }).kind, 'scan');
});

test('a held key is never a scan', () => {
  const reader = new ScanReader();
  for (let at = 0; at < 300; at += 30) reader.key({ key: '7', at, repeat: at > 0 });
  assert.equal(reader.key({ key: 'Enter', at: 300 }).kind, 'none');
});

test('Shift between the characters does not break a scan', () => {
  const reader = new ScanReader();
  reader.key({ key: 'O', at: 0 });
  reader.key({ key: '1', at: 8 });
  reader.key({ key: 'Shift', at: 12 });
  reader.key({ key: ':', at: 16 });
  reader.key({ key: 'w', at: 24 });
  assert.deepEqual(reader.key({ key: 'Enter', at: 32 }), { kind: 'scan', text: 'O1:w' });
});

test('an arrow key ends what was typed', () => {
  const reader = new ScanReader();
  const at = type(reader, 'B4821', 8);
  reader.key({ key: 'ArrowDown', at });
  assert.equal(reader.key({ key: 'Enter', at: at + 8 }).kind, 'none');
});

test('a scanner without terminator is read when the line falls silent', () => {
  const reader = new ScanReader();
  const at = type(reader, '5901234123457', 8);
  assert.equal(reader.idle(at), null);
  assert.equal(reader.idle(at + IDLE_MS), '5901234123457');
  assert.equal(reader.idle(at + 2 * IDLE_MS), null);
});

test('a label scanned under a Ukrainian keyboard is read by the keys’ places', () => {
  const reader = new ScanReader();
  const keys = [['И', 'KeyB', true], ['4', 'Digit4', false], ['8', 'Digit8', false], ['-', 'Minus', false], ['1', 'Digit1', false]];
  let at = 0;
  for (const [key, code, shift] of keys) {
    reader.key({ key, code, shift, at });
    at += 8;
  }
  assert.deepEqual(reader.key({ key: 'Enter', at }), { kind: 'scan', text: 'B48-1' });
});

test('places of a US keyboard', () => {
  assert.equal(latin('Semicolon', true), ':');
  assert.equal(latin('KeyO', false), 'o');
  assert.equal(latin('Slash', false), '/');
  assert.equal(latin('Unknown', false), null);
});

test('six digits are a code, five or a letter are not', () => {
  assert.ok(isCode(' 048213 '));
  assert.ok(!isCode('48213'));
  assert.ok(!isCode('48213a'));
});
