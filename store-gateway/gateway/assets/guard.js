// When Enter must do nothing: while the key repeats, and right after the card was painted, so that neither a resting
// finger nor a scanner's terminator ever hands over an order that nobody has read.

export const QUIET_MS = 400;

export class EnterGuard {
  constructor() {
    this.paintedAt = -Infinity;
  }

  /** The card was painted at `at` (milliseconds of the same clock as the keys). */
  painted(at) {
    this.paintedAt = Math.max(this.paintedAt, at);
  }

  /** Whether an Enter pressed at `at` must be ignored. */
  blocks(at, repeat) {
    return repeat || at - this.paintedAt < QUIET_MS;
  }
}

/** At most this many scans wait for the one under way; more are refused by dropping the newest. */
export const MAX_WAITING_SCANS = 16;

/** Sends scans one after the other, because what a scan means depends on what the one before has opened. */
export class ScanQueue {
  /** `send(scan)` answers a promise. */
  constructor(send) {
    this.send = send;
    this.waiting = [];
    this.busy = false;
  }

  /** True while the screen does not yet show what was scanned. */
  get pending() {
    return this.busy || this.waiting.length > 0;
  }

  add(scan) {
    if (this.waiting.length >= MAX_WAITING_SCANS) return false;
    this.waiting.push(scan);
    void this.run();
    return true;
  }

  async run() {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.length > 0) {
      try {
        await this.send(this.waiting.shift());
      } catch {
        // The refusal or the lost connection is shown by whoever sent it; the next scan stands for itself.
      }
    }
    this.busy = false;
  }
}
