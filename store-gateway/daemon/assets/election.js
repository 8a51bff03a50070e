// Which tab of this browser holds the one connection for live events. Pure: time comes in, messages go out.
//
// Followers that hear nothing ask before they take over, because a hidden tab's timers may run once a minute while
// its message handlers run at once: a leader that only sleeps answers the question and stays. Between two leaders the
// higher term wins, and within a term the smaller id.

export const ANSWER_WAIT_MS = 600;
export const SILENCE_MS = 5000;
export const BEAT_MS = 2000;

export class Election {
  /** `send(message)` reaches every other tab; `changed(isLeader)` is called when the role changes. */
  constructor(id, send, changed) {
    this.id = id;
    this.send = send;
    this.changed = changed;
    this.role = 'idle';
    this.term = 0;
    this.leader = null;
    this.deadline = 0;
  }

  start(now) {
    this.ask(now);
  }

  /** Call about twice a second. */
  tick(now) {
    if (this.role === 'idle' || now < this.deadline) return;
    if (this.role === 'follower') this.ask(now);
    else if (this.role === 'candidate') this.lead(now);
    else this.beat(now);
  }

  handle(message, now) {
    if (this.role === 'idle' || !message || message.id === this.id) return;
    if (message.kind === 'claim') this.onClaim(message, now);
    else if (message.kind === 'lead') this.onLead(message, now);
    else if (message.kind === 'bye' && this.role === 'follower' && message.id === this.leader) this.ask(now);
  }

  leave() {
    if (this.role === 'idle') return;
    const led = this.role === 'leader';
    this.become('idle');
    if (led) this.send({ kind: 'bye', id: this.id, term: this.term });
  }

  onClaim(message, now) {
    if (this.role === 'leader') this.beat(now);
    else if (this.role === 'candidate' && message.id < this.id) this.follow(message, now);
  }

  onLead(message, now) {
    const stronger = message.term > this.term || (message.term === this.term && message.id < this.id);
    if (this.role === 'leader' && !stronger) this.beat(now);
    else this.follow(message, now);
  }

  follow(message, now) {
    this.term = Math.max(this.term, message.term);
    this.leader = message.id;
    this.deadline = now + SILENCE_MS;
    this.become('follower');
  }

  ask(now) {
    this.leader = null;
    this.deadline = now + ANSWER_WAIT_MS;
    this.become('candidate');
    this.send({ kind: 'claim', id: this.id, term: this.term });
  }

  lead(now) {
    this.term += 1;
    this.leader = this.id;
    this.become('leader');
    this.beat(now);
  }

  beat(now) {
    this.deadline = now + BEAT_MS;
    this.send({ kind: 'lead', id: this.id, term: this.term });
  }

  become(role) {
    const led = this.role === 'leader';
    this.role = role;
    if (led !== (role === 'leader')) this.changed(role === 'leader');
  }
}
