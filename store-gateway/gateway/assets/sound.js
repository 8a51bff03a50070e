// The chime for a customer whom nobody attends to. Browsers play nothing before a gesture: until then a pill says so.

const EVERY_MS = 6000;
const TONES = [
  { hz: 659.25, at: 0, long: 0.35 },
  { hz: 880, at: 0.18, long: 0.6 },
];

export class Chime {
  /** `onSilent(isSilent)` is told whether the browser still withholds sound. */
  constructor(onSilent) {
    this.onSilent = onSilent;
    this.context = null;
    this.timer = 0;
  }

  /** Call at the start and on every gesture. */
  async unlock() {
    try {
      this.context ??= new AudioContext();
      // Outside a gesture the promise stays open for ever: look at the state beside it, not after it.
      const resumed = this.context.resume();
      this.context.onstatechange = () => this.tell();
      this.tell();
      await resumed;
    } catch {
      // No sound device: the pill stays, and the row on the board is red all the same.
    }
    this.tell();
  }

  /** Rings now and again while `on`. */
  ring(on) {
    if (!on) {
      clearInterval(this.timer);
      this.timer = 0;
    } else if (this.timer === 0) {
      this.timer = setInterval(() => this.play(), EVERY_MS);
      this.play();
    }
  }

  play() {
    if (this.context?.state !== 'running' || document.visibilityState !== 'visible') return;
    const start = this.context.currentTime + 0.02;
    for (const { hz, at, long } of TONES) {
      const tone = this.context.createOscillator();
      const gain = this.context.createGain();
      tone.frequency.value = hz;
      gain.gain.setValueAtTime(0, start + at);
      gain.gain.linearRampToValueAtTime(0.25, start + at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, start + at + long);
      tone.connect(gain).connect(this.context.destination);
      tone.start(start + at);
      tone.stop(start + at + long);
    }
  }

  tell() {
    this.onSilent(this.context?.state !== 'running');
  }
}
