import { Socket } from './socket.js';
import { Chart } from './chart.js';
import { Rows } from './table.js';

const $ = (id) => document.getElementById(id);
const TIMEFRAMES = ['1m', '5m', '15m', '1h', '4h', '1d'];
const LOOK_MS = 2000; // how often is asked what no stream tells
const LAGGING = 1000; // messages that a partition may be behind before it is an alarm

const chart = new Chart($('chart'));
const tables = {
  tickers: new Rows('tickers', { empty: 'no ticks yet' }),
  trades: new Rows('trades', { most: 50, newestFirst: true, empty: 'no trades yet' }),
  orders: new Rows('orders', { most: 100, newestFirst: true, empty: 'no orders' }),
  queues: new Rows('queues', { empty: 'nothing waits' }),
  blocks: new Rows('blocks', { empty: 'nobody has a block' }),
  positions: new Rows('positions', { empty: 'nothing is held' }),
  balances: new Rows('balances', { empty: 'nothing is known' }),
  processes: new Rows('processes', { empty: 'none' }),
  partitions: new Rows('partitions', { empty: 'none' }),
};
const chosen = { exchange: '', symbol: '', timeframe: '1m', account: '' };
const ticks = new Map();
const claims = new Map();
const alarms = new Map();
let offset = 0; // of the server's clock to ours, seconds

const now = () => Date.now() / 1000 + offset;
const clock = (t) => (t ? new Date(t * 1000).toLocaleTimeString() : '–');
const rising = (side) => (side === 'buy' || side === 'long' ? 'up' : 'down');
const number = (n, digits = 8) => (n === null || n === undefined ? '–' : Number(n).toLocaleString('en', { maximumFractionDigits: digits }));

function age(seconds) {
  if (seconds < 0.05) return '0 s';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

function alarm(key, text) {
  if (text) alarms.set(key, text);
  else alarms.delete(key);
  const box = $('alarms');
  box.hidden = alarms.size === 0;
  box.replaceChildren(...[...alarms.values()].map((t) => {
    const p = document.createElement('p');
    p.textContent = t;
    return p;
  }));
}

function badge(id, text, good) {
  $(id).textContent = text;
  $(id).className = `badge ${good === undefined ? '' : good ? 'good' : 'bad'}`;
}

const socket = new Socket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`, (state) => {
  badge('connection', { live: 'live', away: 'disconnected', connecting: 'connecting' }[state], state === 'live' ? true : state === 'away' ? false : undefined);
  alarm('connection', state === 'away' ? 'The connection is lost: nothing below is current.' : '');
  if (state === 'live') begin();
});

// trouble is an error of a stream: an alarm until its next message.
const heed = (name, take) => (m) => {
  if (m.type === 'stream_error') { alarm(name, `${name}: ${m.error}`); return; }
  alarm(name, '');
  if (m.type !== 'stream_live') take(m);
};

let ends = { market: [], exchange: [], account: [] };
function restart(group, streams) {
  for (const end of ends[group]) end();
  ends[group] = streams;
}

function choose(select, names, present, then) {
  const box = $(select);
  if (names.length === 0) return;
  const same = box.options.length === names.length && names.every((n, i) => box.options[i].value === n);
  if (!same) box.replaceChildren(...names.map((n) => new Option(n, n)));
  const name = names.includes(present) ? present : names[0];
  box.value = name;
  if (name !== present || !same) then(name);
}

async function begin() {
  try {
    const venues = await socket.ask('get_venues');
    choose('exchange', [...new Set([...(venues.markets ?? []), ...(venues.venues ?? []).map((v) => v.exchange)])].sort(), chosen.exchange, follow);
    const { accounts } = await socket.ask('list_accounts');
    choose('account', accounts, chosen.account, hold);
  } catch { /* asked again by look */ }
}

// follow shows an exchange.
function follow(exchange) {
  chosen.exchange = exchange;
  chosen.symbol = '';
  ticks.clear();
  const clear = (name) => () => tables[name].clear();
  restart('exchange', [
    socket.stream('stream_tickers', { exchange, max_rate: 200 }, heed('tickers', onTick)),
    socket.stream('stream_orders', { exchange }, heed('orders', onOrder), clear('orders')),
    socket.stream('stream_blocks', { exchange }, heed('blocks', onBlock), () => { claims.clear(); tables.blocks.clear(); }),
    socket.stream('stream_order_queue', { exchange }, heed('queues', (m) => { $('queued').textContent = `${m.queue_length} waiting`; })),
  ]);
  tables.tickers.clear();
}

function onTick(m) {
  if (m.type === 'ticker_deleted') { ticks.delete(m.symbol); tables.tickers.remove(m.symbol); return; }
  const before = ticks.get(m.symbol);
  const moved = before && Number(m.price) !== Number(before.price) ? (Number(m.price) > Number(before.price) ? 'up' : 'down') : before?.moved ?? '';
  ticks.set(m.symbol, { ...m, moved });
  showTick(m.symbol);
  if (!chosen.symbol) watch(m.symbol);
  if (m.symbol === chosen.symbol) { $('price').textContent = number(m.price); $('price').className = `number ${moved}`; }
}

function showTick(symbol) {
  const t = ticks.get(symbol);
  const tr = tables.tickers.put(symbol, [symbol, [number(t.price), t.moved], number(t.bid), number(t.ask), age(Math.max(0, now() - t.received))]);
  tr.classList.toggle('stale', t.stale);
  tr.classList.toggle('chosen', symbol === chosen.symbol);
  tr.tabIndex = 0;
}

// watch shows the candles and trades of a symbol.
function watch(symbol) {
  const { exchange, timeframe } = chosen;
  const before = chosen.symbol;
  chosen.symbol = symbol;
  $('symbol').textContent = symbol;
  $('price').textContent = number(ticks.get(symbol)?.price);
  for (const s of [before, symbol]) if (ticks.has(s)) showTick(s);
  chart.clear();
  restart('market', [
    socket.stream('stream_ohlcv_updates', { exchange, symbol, timeframe }, heed('candles', (m) => chart.put(m.bar.map(Number))), async () => {
      const { bars } = await socket.ask('get_latest_ohlcv_bars', { exchange, symbol, timeframe, count: 120 });
      if (chosen.symbol === symbol && chosen.timeframe === timeframe) bars.forEach((b) => chart.put(b.map(Number)));
    }),
    socket.stream('stream_trade_updates', { exchange, symbol, last: 50 }, heed('trades', (t) => {
      if (t.type === 'trade_update') tables.trades.put(t.trade_id, [clock(t.timestamp), [t.side, rising(t.side)], number(t.price), number(t.volume)]);
    }), () => tables.trades.clear()),
  ]);
}

function onOrder(o) {
  const done = ['filled', 'canceled', 'rejected', 'expired'].includes(o.status);
  const look = o.status === 'filled' ? 'up' : o.status === 'rejected' || o.dead ? 'down' : o.status === 'unknown' ? 'warn' : done ? 'quiet' : '';
  const tr = tables.orders.put(o.order_id, [clock(o.last_update), o.symbol, [o.side, rising(o.side)], [o.dead ? `${o.status}, dead letter` : o.status, look],
    number(o.amount), number(o.filled), number(o.average_price ?? o.price), o.bot, [o.order_id, 'quiet']]);
  tr.title = o.reason;
}

function onBlock(c) {
  const key = `${c.kind} ${c.symbol}`;
  if (c.type === 'block_deleted' || c.released) { claims.delete(key); tables.blocks.remove(key); return; }
  claims.set(key, c);
  showBlock(key);
}

function showBlock(key) {
  const c = claims.get(key);
  const left = c.expires - now();
  tables.blocks.put(key, [c.symbol, c.kind, c.bot_id, left > 0 ? [age(left)] : [c.exposed ? 'exposed' : 'expired', 'warn'], c.token]);
}

// hold shows an account.
function hold(account) {
  chosen.account = account;
  restart('account', [
    socket.stream('stream_user_positions', { account }, heed('positions', (p) => {
      if (p.type === 'position_deleted' || p.side === 'flat') tables.positions.remove(p.symbol);
      else tables.positions.put(p.symbol, [p.symbol, [p.side, rising(p.side)], number(p.size), number(p.entry_price), number(p.realised, 4)]);
    }), () => tables.positions.clear()),
    socket.stream('stream_user_balances', { account }, heed('balances', (b) => {
      tables.balances.put(b.currency, [b.currency, number(b.total), number(b.free), number(b.used)]);
    }), () => tables.balances.clear()),
  ]);
}

socket.stream('stream_process_health', {}, heed('processes', (m) => {
  tables.processes.replace(m.processes.map((p) => [p.process_id,
    [p.process_type, p.name, [p.status === 'failed' ? 'failed' : p.health, p.health === 'fresh' && p.status !== 'failed' ? 'up' : 'down'], [p.message || p.status, 'text']]]));
  const ill = m.processes.filter((p) => p.health !== 'fresh' || p.status === 'failed');
  alarm('health', ill.map((p) => `${p.process_type} ${p.name} is ${p.status === 'failed' ? `failing: ${p.message}` : p.health}`).join('; '));
}));

// look asks for what no stream tells.
async function look() {
  if (!socket.open()) return;
  try {
    const asked = Date.now();
    const health = await socket.ask('health_check');
    offset = health.websocket.timestamp - (asked + Date.now()) / 2000;
    for (const [id, part] of [['log', health.log], ['redis', health.cache]]) {
      const good = part.status === 'healthy';
      badge(id, `${id} ${good ? `${part.latency_ms.toFixed(1)} ms` : 'away'}`, good);
      alarm(id, good ? '' : `${id} does not answer`);
    }
    if (!chosen.exchange || !chosen.account) await begin();
    const { partitions } = await socket.ask('get_partitions');
    tables.partitions.replace(partitions.map((p) => [p.stream,
      [p.stream, number(p.checkpoint), [number(p.lag), p.lag > LAGGING ? 'down' : ''], `${(p.bytes / 1e6).toFixed(1)} MB`]]));
    const late = partitions.filter((p) => p.lag > LAGGING);
    alarm('lag', late.length ? `Redis is behind: ${late.map((p) => `${p.stream} by ${p.lag}`).join(', ')}` : '');
    if (!chosen.exchange) return;
    const { queues } = await socket.ask('get_order_queue', { exchange: chosen.exchange });
    tables.queues.replace(queues.map((q) => [q.symbol, [q.symbol, q.waiting, q.delayed ? ['delayed', 'quiet'] : q.worker || '–']]));
    const { halts } = await socket.ask('get_halts', { exchange: chosen.exchange });
    alarm('halt', halts.filter((h) => h.state !== 'active').map((h) => `${h.bot_id ? `bot ${h.bot_id}` : chosen.exchange} is ${h.state.replace('_', ' ')}${h.reason ? `: ${h.reason}` : ''}`).join('; '));
  } catch { /* the streams tell what is wrong */ }
}

setInterval(() => {
  for (const symbol of ticks.keys()) showTick(symbol);
  for (const key of claims.keys()) showBlock(key);
}, 1000);
setInterval(look, LOOK_MS);
setTimeout(look, 300);

$('exchange').addEventListener('change', (e) => follow(e.target.value));
$('account').addEventListener('change', (e) => hold(e.target.value));
const pick = (e) => {
  const symbol = e.target.closest('tr')?.dataset.key;
  if (symbol && (e.type === 'click' || e.key === 'Enter')) watch(symbol);
};
$('tickers').addEventListener('click', pick);
$('tickers').addEventListener('keydown', pick);
for (const timeframe of TIMEFRAMES) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = timeframe;
  button.setAttribute('aria-pressed', timeframe === chosen.timeframe);
  button.addEventListener('click', () => {
    chosen.timeframe = timeframe;
    for (const b of $('timeframes').children) b.setAttribute('aria-pressed', b === button);
    if (chosen.symbol) watch(chosen.symbol);
  });
  $('timeframes').append(button);
}
$('theme').addEventListener('click', () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('theme', root.dataset.theme);
  chart.soon();
});
const theme = localStorage.getItem('theme');
if (theme) document.documentElement.dataset.theme = theme;
