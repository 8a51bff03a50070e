// How many SMS a text takes: GSM 7-bit default alphabet with its extension table (3GPP TS 23.038 §6.2.1), else UCS-2.
// One message holds 160 septets or 70 UTF-16 units; parts of a longer one 153 or 67 (TS 23.040 §9.2.3.24.1, 8-bit
// reference). A character of the extension table takes two septets and, like a surrogate pair, is never divided.

const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const EXTENDED = '\f^{}\\[~]|€';
const FOLDED = {
  ą: 'a', ć: 'c', ę: 'e', ł: 'l', ń: 'n', ó: 'o', ś: 's', ź: 'z', ż: 'z',
  Ą: 'A', Ć: 'C', Ę: 'E', Ł: 'L', Ń: 'N', Ó: 'O', Ś: 'S', Ź: 'Z', Ż: 'Z',
  '„': '"', '”': '"', '’': "'", '–': '-', '—': '-', '…': '...', '\u00a0': ' ',
};

/** Polish letters without their marks, typographic signs as plain ones. */
export function fold(text) {
  return Array.from(text, (char) => FOLDED[char] ?? char).join('');
}

/** `{encoding: 'gsm7'|'ucs2', units, parts, perPart}` of a text. */
export function measure(text) {
  const chars = Array.from(text);
  const gsm = chars.every((char) => BASIC.includes(char) || EXTENDED.includes(char));
  const widths = chars.map((char) => (gsm ? (EXTENDED.includes(char) ? 2 : 1) : char.length));
  const units = widths.reduce((sum, width) => sum + width, 0);
  const [single, part] = gsm ? [160, 153] : [70, 67];
  const encoding = gsm ? 'gsm7' : 'ucs2';
  if (units <= single) return { encoding, units, parts: units === 0 ? 0 : 1, perPart: single };
  return { encoding, units, parts: fill(widths, part), perPart: part };
}

function fill(widths, size) {
  let parts = 1;
  let used = 0;
  for (const width of widths) {
    if (used + width > size) {
      parts += 1;
      used = 0;
    }
    used += width;
  }
  return parts;
}
