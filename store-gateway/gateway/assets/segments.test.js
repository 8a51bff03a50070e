import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fold, measure } from './segments.js';

test('160 septets are one part, 161 are two of 153', () => {
  assert.deepEqual(measure('a'.repeat(160)), { encoding: 'gsm7', units: 160, parts: 1, perPart: 160 });
  assert.deepEqual(measure('a'.repeat(161)), { encoding: 'gsm7', units: 161, parts: 2, perPart: 153 });
  assert.equal(measure('a'.repeat(306)).parts, 2);
  assert.equal(measure('a'.repeat(307)).parts, 3);
});

test('one Polish letter costs the 7-bit alphabet: 70 units, parts of 67', () => {
  assert.deepEqual(measure(`ł${'a'.repeat(69)}`), { encoding: 'ucs2', units: 70, parts: 1, perPart: 70 });
  assert.equal(measure(`ł${'a'.repeat(70)}`).parts, 2);
  assert.equal(measure(`ł${'a'.repeat(133)}`).parts, 2);
  assert.equal(measure(`ł${'a'.repeat(134)}`).parts, 3);
});

test('the euro sign and brackets take two septets and are not divided', () => {
  assert.equal(measure('€').units, 2);
  assert.equal(measure('€'.repeat(80)).parts, 1);
  // 153 is odd: a pair that does not fit moves on, so a part holds 76 of them.
  assert.equal(measure('€'.repeat(152)).parts, 2);
  assert.equal(measure('€'.repeat(153)).parts, 3);
});

test('a surrogate pair is not divided', () => {
  // 67 is odd: 33 pairs to a part.
  assert.equal(measure('😀'.repeat(35)).parts, 1);
  assert.equal(measure('😀'.repeat(66)).parts, 2);
  assert.equal(measure('😀'.repeat(67)).parts, 3);
});

test('letters of the default alphabet stay 7-bit', () => {
  for (const text of ['äöüñà', 'ΔΦΓ', 'Ø', '@£$', 'é']) assert.equal(measure(text).encoding, 'gsm7', text);
  for (const text of ['á', 'ç', 'Ж', '`']) assert.equal(measure(text).encoding, 'ucs2', text);
});

test('folding keeps the words and makes them 7-bit', () => {
  assert.equal(fold('Zażółć gęślą jaźń – „ŁÓDŹ”'), 'Zazolc gesla jazn - "LODZ"');
  assert.equal(measure(fold('Zażółć gęślą jaźń')).encoding, 'gsm7');
});

test('nothing takes no part', () => {
  assert.equal(measure('').parts, 0);
});
