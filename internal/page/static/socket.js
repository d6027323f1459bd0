// A connection that comes back by itself, with all its streams.

const RETRY_MS = [250, 500, 1000, 2000, 5000];
const ANSWER_MS = 10000;

export class Socket {
  constructor(url, onState) {
    this.url = url;
    this.onState = onState;
    this.streams = new Map(); // request id to what is streamed
    this.asked = new Map(); // request id to who waits
    this.next = 1;
    this.failures = 0;
    this.connect();
  }

  connect() {
    this.onState('connecting');
    const ws = new WebSocket(this.url);
    this.ws = ws;
    ws.onopen = () => {
      this.failures = 0;
      for (const [id, s] of this.streams) this.begin(id, s);
      this.onState('live');
    };
    ws.onmessage = (e) => this.take(JSON.parse(e.data));
    ws.onclose = () => {
      for (const w of this.asked.values()) w.reject(new Error('disconnected'));
      this.asked.clear();
      this.onState('away');
      const wait = RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)];
      setTimeout(() => this.connect(), wait);
    };
  }

  take(m) {
    const waiting = this.asked.get(m.request_id);
    if (waiting) {
      this.asked.delete(m.request_id);
      clearTimeout(waiting.timer);
      if (m.success) waiting.resolve(m.result);
      else waiting.reject(new Error(m.error));
      return;
    }
    const s = this.streams.get(m.request_id);
    if (!s || !m.type) {
      // A stream whose beginning was refused, as long as its server is away, say.
      if (s && m.success === false) s.timer = setTimeout(() => this.begin(m.request_id, s), 2000);
      return;
    }
    s.onMessage(m);
  }

  open() { return this.ws.readyState === WebSocket.OPEN; }

  // ask sends a request and gives its result.
  ask(operation, params = {}) {
    return new Promise((resolve, reject) => {
      if (!this.open()) { reject(new Error('disconnected')); return; }
      const id = `a${this.next++}`;
      const timer = setTimeout(() => { this.asked.delete(id); reject(new Error('no answer')); }, ANSWER_MS);
      this.asked.set(id, { resolve, reject, timer });
      this.ws.send(JSON.stringify({ request_id: id, operation, params }));
    });
  }

  // stream subscribes, also anew after each reconnect: then onBegin is called
  // first, since a snapshot follows. It returns how to end it.
  stream(operation, params, onMessage, onBegin = () => {}) {
    const id = `s${this.next++}`;
    const s = { operation, params, onMessage, onBegin };
    this.streams.set(id, s);
    if (this.open()) this.begin(id, s);
    return () => {
      clearTimeout(s.timer);
      this.streams.delete(id);
      if (this.open()) this.ws.send(JSON.stringify({ request_id: `u${this.next++}`, operation: 'unsubscribe', params: { stream_key: id } }));
    };
  }

  begin(id, s) {
    if (!this.open() || this.streams.get(id) !== s) return;
    s.onBegin();
    this.ws.send(JSON.stringify({ request_id: id, operation: s.operation, params: s.params }));
  }
}
