// Keys of the counter page: function keys and their twins on the touch bar, arrows through the lists.

/** Keys that belong to the browser elsewhere and are ours on this page, whether something is on them now or not. */
export const OWNED = new Set(['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8', 'F9', 'F10', 'F12']);

/** The control on a key, if it can be used now. */
export function controlFor(key, root = document) {
  return Array.from(root.querySelectorAll(`[data-key="${key}"]`)).find((control) => usable(control)) ?? null;
}

function usable(control) {
  return !control.disabled && !control.closest('[hidden]');
}

/** Moves the focus to the next or previous order of the list that it is in, or of the first list. */
export function moveInList(step, root = document) {
  const results = root.querySelector('.results');
  const current = root.activeElement;
  const list = current?.closest('.results, .board') ?? (results?.querySelector('a.row') ? results : root.querySelector('.board'));
  const rows = Array.from(list?.querySelectorAll('a.row, a.row-link') ?? []);
  if (rows.length === 0) return false;
  const at = rows.indexOf(current);
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step;
  if (next < 0 || next >= rows.length) return false;
  rows[next].focus();
  return true;
}
