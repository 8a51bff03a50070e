// The log-in page and the first run: the PIN pad, digits typed anywhere, the countdown of a lock-out.

import { syncClock, tickAll } from './ticks.js';

const pin = document.getElementById('pin');

function type(digit) {
  if (pin.value.length < pin.maxLength) pin.value += digit;
  pin.focus();
}

for (const key of document.querySelectorAll('[data-digit]')) {
  key.addEventListener('click', () => type(key.dataset.digit));
}
document.querySelector('[data-erase]')?.addEventListener('click', () => {
  pin.value = pin.value.slice(0, -1);
  pin.focus();
});

addEventListener('keydown', (event) => {
  const typing = event.target instanceof HTMLInputElement && event.target.type !== 'radio';
  if (event.ctrlKey || event.altKey || event.metaKey || typing || !/^[0-9]$/.test(event.key)) return;
  event.preventDefault();
  type(event.key);
});

syncClock(Number(document.body.dataset.now));
tickAll();
setInterval(tickAll, 1000);
