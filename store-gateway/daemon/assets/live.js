// Live events from the server, one connection for all tabs of this browser (browsers allow six to an origin).
//
// `startLive({url, channel, names, onEvent(name, data), onState(isUp)})`. The leading tab connects and passes every
// event on. The server's first event is `hello`: whoever hears it refetches all it shows, so nothing that happened
// while the line was down is missed. The connection closes on pagehide.

import { Election } from './election.js';

const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 15000;
const TICK_MS = 500;

export function startLive(options) {
  const live = new Live(options);
  live.start();
  addEventListener('pagehide', () => live.stop());
  addEventListener('pageshow', (event) => {
    if (event.persisted) live.start();
  });
  return live;
}

class Live {
  constructor({ url, channel, names, onEvent, onState }) {
    this.url = url;
    this.channelName = channel;
    this.names = ['hello', ...names];
    this.onEvent = onEvent;
    this.onState = onState;
    this.source = null;
    this.retryMs = RETRY_MIN_MS;
    this.retryTimer = 0;
  }

  start() {
    const id = crypto.getRandomValues(new Uint32Array(2)).join('-').padStart(24, '0');
    this.channel = new BroadcastChannel(this.channelName);
    this.election = new Election(id, (message) => this.channel.postMessage(message), (leads) => this.roleChanged(leads));
    this.channel.onmessage = ({ data }) => this.heard(data);
    this.timer = setInterval(() => this.election.tick(performance.now()), TICK_MS);
    this.election.start(performance.now());
  }

  /** Whether this tab has the connection. */
  get leads() {
    return this.source !== null;
  }

  stop() {
    clearInterval(this.timer);
    this.election.leave();
    this.disconnect();
    this.channel.close();
  }

  heard(message) {
    if (message.kind === 'event') this.onEvent(message.name, message.data);
    else if (message.kind === 'state') this.onState(message.up);
    else this.election.handle(message, performance.now());
  }

  roleChanged(leads) {
    if (leads) this.connect();
    else this.disconnect();
  }

  connect() {
    this.disconnect();
    const source = new EventSource(this.url);
    this.source = source;
    for (const name of this.names) {
      source.addEventListener(name, (event) => this.received(name, event.data));
    }
    source.onopen = () => {
      this.retryMs = RETRY_MIN_MS;
      this.tell({ kind: 'state', up: true });
    };
    source.onerror = () => this.failed(source);
  }

  disconnect() {
    clearTimeout(this.retryTimer);
    this.source?.close();
    this.source = null;
  }

  // The browser tries again by itself after a dropped line, but gives up after an answer such as 503.
  failed(source) {
    if (source !== this.source) return;
    this.tell({ kind: 'state', up: false });
    if (source.readyState !== EventSource.CLOSED) return;
    this.source = null;
    this.retryTimer = setTimeout(() => this.connect(), this.retryMs * (0.5 + Math.random() / 2));
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
  }

  received(name, text) {
    let data = {};
    try {
      data = JSON.parse(text || '{}');
    } catch {
      // An event whose data is no JSON still says that something changed.
    }
    this.tell({ kind: 'event', name, data });
  }

  /** To the other tabs and to this one. */
  tell(message) {
    this.channel.postMessage(message);
    this.heard(message);
  }
}
