// Candles with volume on a canvas.

const AXIS = 64; // pixels for prices
const FOOT = 18; // pixels for times
const MOST = 120; // bars

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.bars = new Map(); // time to [time, open, high, low, close, volume]
    new ResizeObserver(() => this.soon()).observe(canvas);
  }

  clear() { this.bars.clear(); this.soon(); }

  put(bar) {
    this.bars.set(bar[0], bar);
    if (this.bars.size > 2 * MOST) {
      for (const t of [...this.bars.keys()].sort((a, b) => a - b).slice(0, MOST)) this.bars.delete(t);
    }
    this.soon();
  }

  soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  draw() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const g = canvas.getContext('2d');
    g.scale(ratio, ratio);
    g.clearRect(0, 0, width, height);
    g.font = '11px system-ui, sans-serif';
    const style = getComputedStyle(canvas);
    const color = (name) => style.getPropertyValue(name).trim();
    const bars = [...this.bars.values()].sort((a, b) => a[0] - b[0]).slice(-MOST);
    if (!bars.length) {
      g.fillStyle = color('--quiet');
      g.textAlign = 'center';
      g.fillText('no candles yet', width / 2, height / 2);
      return;
    }
    const plot = height - FOOT;
    const priceHeight = plot * 0.76;
    let high = Math.max(...bars.map((b) => b[2]));
    let low = Math.min(...bars.map((b) => b[3]));
    if (high === low) { high *= 1.001; low *= 0.999; }
    const most = Math.max(...bars.map((b) => b[5])) || 1;
    const y = (price) => 6 + (priceHeight - 12) * (high - price) / (high - low);
    const step = Math.min(14, (width - AXIS) / bars.length);
    const x = (i) => width - AXIS - (bars.length - i - 0.5) * step;
    const digits = Math.max(0, Math.min(8, 3 - Math.floor(Math.log10(high - low))));

    g.textAlign = 'left';
    g.textBaseline = 'middle';
    for (let i = 0; i <= 4; i++) {
      const price = low + (high - low) * i / 4;
      g.strokeStyle = color('--line');
      g.beginPath();
      g.moveTo(0, Math.round(y(price)) + 0.5);
      g.lineTo(width - AXIS, Math.round(y(price)) + 0.5);
      g.stroke();
      g.fillStyle = color('--quiet');
      g.fillText(price.toFixed(digits), width - AXIS + 6, y(price));
    }
    const body = Math.max(1, step * 0.7);
    bars.forEach(([time, open, top, bottom, close, volume], i) => {
      g.fillStyle = g.strokeStyle = color(close >= open ? '--up' : '--down');
      g.beginPath();
      g.moveTo(x(i), y(top));
      g.lineTo(x(i), y(bottom));
      g.stroke();
      g.fillRect(x(i) - body / 2, Math.min(y(open), y(close)), body, Math.max(1, Math.abs(y(open) - y(close))));
      g.globalAlpha = 0.45;
      const h = (plot - priceHeight - 6) * volume / most;
      g.fillRect(x(i) - body / 2, plot - h, body, h);
      g.globalAlpha = 1;
      if ((bars.length - 1 - i) % Math.ceil(80 / step) === 0) {
        g.fillStyle = color('--quiet');
        g.textAlign = 'center';
        g.fillText(new Date(time * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }), Math.max(20, x(i)), height - FOOT / 2);
      }
    });
  }
}
