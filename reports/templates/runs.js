"use strict";
(() => {
  const table = document.getElementById("runs");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const wanted = document.getElementById("wanted");
  const verdict = document.getElementById("verdict");
  const count = document.getElementById("count");
  const place = heads.findIndex((head) => head.textContent === "verdict");
  const text = (row, i) => row.cells[i].textContent;

  function filter() {
    const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const said = row.textContent.toLowerCase();
      const right = !verdict.value || text(row, place) === verdict.value;
      row.hidden = !(right && words.every((word) => said.includes(word)));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${body.rows.length} runs shown`;
  }

  function sort(i) {
    const up = heads[i].getAttribute("aria-sort") !== "ascending";
    const order = new Intl.Collator("en", { numeric: true });
    const rows = [...body.rows].sort((a, b) => order.compare(text(a, i), text(b, i)));
    if (!up) rows.reverse();
    body.append(...rows);
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[i].setAttribute("aria-sort", up ? "ascending" : "descending");
  }

  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(i));
    head.replaceChildren(button);
  });
  wanted.addEventListener("input", filter);
  verdict.addEventListener("change", filter);
  document.getElementById("controls").hidden = false;
  filter();
})();
