// Rows of a table by key. Cells are text, never markup.

export class Rows {
  constructor(id, { most = Infinity, empty = 'nothing yet', newestFirst = false } = {}) {
    this.body = document.querySelector(`#${id} tbody`);
    this.columns = document.querySelectorAll(`#${id} thead th`);
    this.rows = new Map();
    Object.assign(this, { most, empty, newestFirst });
    this.clear();
  }

  clear() {
    this.rows.clear();
    this.body.replaceChildren();
    this.note();
  }

  note() {
    if (this.rows.size > 0) return;
    const td = document.createElement('td');
    td.className = 'empty';
    td.colSpan = this.columns.length;
    td.textContent = this.empty;
    const tr = document.createElement('tr');
    tr.append(td);
    this.body.replaceChildren(tr);
  }

  // put writes a row; a cell is a text, or [text, class].
  put(key, cells) {
    let tr = this.rows.get(key);
    if (!tr) {
      if (this.rows.size === 0) this.body.replaceChildren();
      tr = document.createElement('tr');
      tr.dataset.key = key;
      for (const th of this.columns) {
        const td = document.createElement('td');
        td.className = th.className;
        tr.append(td);
      }
      this.rows.set(key, tr);
      if (this.newestFirst) this.body.prepend(tr);
      else this.body.append(tr);
      if (this.rows.size > this.most) this.remove(this.rows.keys().next().value);
    }
    cells.forEach((cell, i) => {
      const [text, look = ''] = Array.isArray(cell) ? cell : [cell];
      const td = tr.children[i];
      const shown = text ?? '–';
      if (td.textContent !== String(shown)) td.textContent = shown;
      td.className = `${this.columns[i].className} ${look}`.trim();
    });
    return tr;
  }

  remove(key) {
    this.rows.get(key)?.remove();
    this.rows.delete(key);
    this.note();
  }

  // replace makes these the rows: [key, cells] each.
  replace(rows) {
    const keys = new Set(rows.map(([key]) => key));
    for (const key of [...this.rows.keys()]) if (!keys.has(key)) this.remove(key);
    for (const [key, cells] of rows) this.put(key, cells);
  }
}
