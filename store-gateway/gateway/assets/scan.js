// Tells a scanner (a keyboard wedge) from a person by the rhythm of the keys. Pure: keys and times go in.
//
// A burst of at least four characters, each at most 50 ms after the one before, is a scan; the Enter or Tab behind it
// belongs to it and is swallowed, and so is a second one right after (scanners that send CR and LF).

export const MAX_GAP_MS = 50;
export const MIN_CHARS = 4;
/** Without a terminator a burst counts only when it is this long … */
export const MIN_CHARS_UNENDED = 6;
/** … and this long has passed. */
export const IDLE_MS = 100;
export const MAX_CHARS = 200;
const TERMINATORS = new Set(['Enter', 'Tab']);

export class ScanReader {
  constructor() {
    this.forget();
    this.endedAt = -Infinity;
  }

  /**
   * Takes a key-down: `{key, code, shift, at, repeat}`, `at` in milliseconds. Answers
   * `{kind: 'first'}` for a character that may begin a burst (take a copy of the field now),
   * `{kind: 'more'}` for one that goes on with it, `{kind: 'scan', text}` for a terminator behind a scan,
   * `{kind: 'swallow'}` for a terminator that belongs to a scan already told, `{kind: 'none'}` otherwise.
   */
  key({ key, code = '', shift = false, at, repeat = false }) {
    if (key === 'Shift' || key === 'CapsLock') return { kind: 'none' };
    if (TERMINATORS.has(key)) return this.terminator(at, repeat);
    if (key.length !== 1 || repeat) {
      this.forget();
      return { kind: 'none' };
    }
    const goesOn = this.typed.length > 0 && at - this.last <= MAX_GAP_MS;
    if (!goesOn || this.typed.length >= MAX_CHARS) this.forget();
    this.typed.push(key);
    this.physical.push(latin(code, shift) ?? key);
    this.last = at;
    return { kind: this.typed.length === 1 ? 'first' : 'more' };
  }

  /** Ends a burst that has no terminator; call it `IDLE_MS` after the last character. Answers the text or null. */
  idle(at) {
    if (this.typed.length < MIN_CHARS_UNENDED || at - this.last < IDLE_MS) return null;
    return this.take(at);
  }

  terminator(at, repeat) {
    if (!repeat && this.typed.length >= MIN_CHARS && at - this.last <= MAX_GAP_MS) {
      return { kind: 'scan', text: this.take(at) };
    }
    this.forget();
    return at - this.endedAt <= IDLE_MS ? { kind: 'swallow' } : { kind: 'none' };
  }

  take(at) {
    const typed = this.typed.join('');
    // A keyboard layout without Latin letters garbles labels: read the keys' places instead.
    const text = /^[\x20-\x7e]*$/.test(typed) ? typed : this.physical.join('');
    this.forget();
    this.endedAt = at;
    return text;
  }

  forget() {
    this.typed = [];
    this.physical = [];
    this.last = -Infinity;
  }
}

const PLACES = {
  Minus: '-_', Equal: '=+', BracketLeft: '[{', BracketRight: ']}', Semicolon: ';:', Quote: '\'"', Backquote: '`~',
  Backslash: '\\|', Comma: ',<', Period: '.>', Slash: '/?', Space: '  ', NumpadSubtract: '--', NumpadAdd: '++',
  NumpadDivide: '//', NumpadMultiply: '**', NumpadDecimal: '..',
};
const SHIFTED_DIGITS = ')!@#$%^&*(';

/** What a key's place would type on a US layout, which scanners assume; null when unknown. */
export function latin(code, shift) {
  if (/^Key[A-Z]$/.test(code)) return shift ? code[3] : code[3].toLowerCase();
  if (/^Digit[0-9]$/.test(code)) return shift ? SHIFTED_DIGITS[Number(code[5])] : code[5];
  if (/^Numpad[0-9]$/.test(code)) return code[6];
  return PLACES[code]?.[shift ? 1 : 0] ?? null;
}

/** Six digits typed by hand are a pickup code. */
export function isCode(text) {
  return /^[0-9]{6}$/.test(text.trim());
}
