import assert from 'node:assert/strict';
import { test } from 'node:test';
import { level, rough, timer } from './ticks.js';

const units = { hour: 'h', minute: 'min', day: 'd' };

test('a wait counts in minutes and seconds, from an hour on in hours', () => {
  assert.equal(timer(0, units), '0:00');
  assert.equal(timer(312, units), '5:12');
  assert.equal(timer(3599, units), '59:59');
  assert.equal(timer(3900, units), '1 h 05');
  assert.equal(timer(-3, units), '0:00');
});

test('a promise counts down in minutes, hours, days', () => {
  assert.equal(rough(1320, units), '22 min');
  assert.equal(rough(61, units), '2 min');
  assert.equal(rough(3600, units), '1 h');
  assert.equal(rough(3 * 86_400, units), '3 d');
});

test('a wait turns amber at three minutes and red at five', () => {
  assert.equal(level(179, 180, 300), 'calm');
  assert.equal(level(180, 180, 300), 'soon');
  assert.equal(level(299, 180, 300), 'soon');
  assert.equal(level(300, 180, 300), 'late');
});
