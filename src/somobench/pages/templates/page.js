"use strict";
// Tables sort by a click on a head; rows without a value come last in both orders.
(() => {
  const known = (key) => key !== "";
  const find = (cell) => cell.dataset.key ?? cell.textContent;
  const sort = (table, head, column) => {
    const numbers = head.dataset.kind !== "word";
    const first = head.dataset.first ?? "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    const sign = order === "ascending" ? 1 : -1;
    const compare = (a, b) => numbers
      ? Number(a) - Number(b)
      : a.localeCompare(b, "en", { numeric: true });
    const rows = [...table.tBodies[0].rows];
    const keys = new Map(rows.map((row) => [row, find(row.cells[column])]));
    rows.sort((one, two) => {
      const a = keys.get(one), b = keys.get(two);
      if (!known(a) || !known(b)) return Number(known(b)) - Number(known(a));
      return sign * compare(a, b);
    });
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head, column));
      head.append(button);
    });
  }
})();
// Values of marks show under the pointer or finger. A mark's <title> does it where
// there is no script.
(() => {
  const box = document.createElement("div");
  box.className = "tip";
  box.hidden = true;
  document.body.append(box);
  const write = (text, event) => {
    box.hidden = !text;
    if (box.hidden) return;
    box.textContent = text;
    const left = Math.min(event.clientX + 12, innerWidth - box.offsetWidth - 8);
    const above = event.clientY - box.offsetHeight - 12;
    box.style.left = `${Math.max(8, left)}px`;
    box.style.top = `${above > 8 ? above : event.clientY + 16}px`;
  };
  const show = (event) => {
    if (event.target.closest(".field[data-x]")) return follow(event);
    const mark = event.target.closest("[data-tip], use");
    const title = mark?.querySelector(":scope > title");
    if (title) {
      mark.dataset.tip = title.textContent;
      mark.setAttribute("aria-label", title.textContent);
      title.remove();
    }
    write(mark?.dataset.tip, event);
  };
  // Lines without marks have many points: that next to the pointer shows its values.
  const follow = (event) => {
    const field = event.target.closest?.(".field[data-x]");
    if (!field) return;
    const frame = field.getBoundingClientRect();
    const x = 100 * (event.clientX - frame.left) / frame.width;
    const y = 100 * (event.clientY - frame.top) / frame.height;
    let best = [Infinity];
    for (const line of field.querySelectorAll("polyline[data-name]")) {
      for (const pair of line.getAttribute("points").trim().split(" ")) {
        const [a, b] = pair.split(",").map(Number);
        const away = Math.hypot((a - x) * frame.width, (b - y) * frame.height);
        if (away < best[0]) best = [away, a, b, line.dataset.name];
      }
    }
    const value = (axis, share, digits) => {
      const [low, high] = field.dataset[axis].split(" ").map(Number);
      return String(Number((low + (high - low) * share / 100).toPrecision(digits)));
    };
    write(`${best[3]}: ${value("y", 100 - best[2], 4)} at ${value("x", best[1], 6)}`, event);
  };
  document.addEventListener("pointermove", follow);
  for (const kind of ["pointerover", "pointerdown"]) {
    document.addEventListener(kind, show);
  }
  document.addEventListener("scroll", () => { box.hidden = true; }, { passive: true });
})();
