"use strict";
/* Everything works without this file; with it, photos can be dropped, progress comes by itself, and
   strength and comparison follow a slider. */

(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const later = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  // Photos that are dropped.
  const form = find("#send"), field = find("#photos-field"), drop = find(".drop");
  if (form && field && drop) {
    for (const name of ["dragenter", "dragover"]) {
      drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
    }
    for (const name of ["dragleave", "drop"]) {
      drop.addEventListener(name, () => drop.classList.remove("over"));
    }
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) field.files = event.dataTransfer.files;
    });
    form.addEventListener("submit", () => { find("#sending").textContent = "Sending …"; });
  }

  // A part of the page that is asked for again while there is work.
  async function follow(selector, address, part) {
    const place = find(selector);
    if (!place) return;
    const busy = () => place.dataset.busy === "yes" || find('[data-busy="yes"]', place);
    while (busy()) {
      await later(1000);
      if (document.hidden) continue;
      let text;
      try {
        const answer = await fetch(address, { credentials: "same-origin" });
        if (!answer.ok) continue;
        text = await answer.text();
      } catch { continue; }
      const held = document.activeElement, name = held && (held.getAttribute("aria-label") || held.textContent);
      const inside = place.contains(held);
      const page = new DOMParser().parseFromString(text, "text/html");
      const fresh = part ? page.querySelector(part) : page.body;
      if (!fresh) continue;
      if (part) place.dataset.busy = fresh.dataset.busy;
      place.replaceChildren(...fresh.childNodes);
      if (inside && name) {
        const again = [...place.querySelectorAll("a, button")].find(
          (each) => (each.getAttribute("aria-label") || each.textContent) === name);
        if (again) again.focus();
      }
    }
  }
  follow("#photos", "/photos", "");
  follow("#helps", "/help", "#helps");

  if (find("[data-reload]")) setTimeout(() => location.reload(), 2000);

  // Strength, and the line between photo and copy.
  const compare = find("#compare");
  if (!compare) return;
  const number = compare.dataset.number, pair = find("#pair"), strength = find("#strength");
  for (const each of compare.querySelectorAll(".slide")) each.hidden = false;
  find(".strengths", compare).hidden = true;
  pair.classList.add("over");
  const divide = find("#divide");
  const split = () => pair.style.setProperty("--divide", `${divide.value}%`);
  divide.addEventListener("input", split);
  split();
  let saving = 0;
  strength.addEventListener("input", () => {
    const eighths = strength.value, said = `${eighths}/8`;
    find(".after", pair).src = `/photo/${number}/${eighths}.jpg`;
    find(".faces", compare).src = `/photo/${number}/faces-${eighths}.jpg`;
    find("#strength-said").textContent = said;
    find(".said", pair).textContent = said;
    strength.setAttribute("aria-valuetext", said);
    for (const link of compare.querySelectorAll("a[download]")) {
      link.href = link.href.replace(/eighths=\d/, `eighths=${eighths}`);
    }
    for (const row of compare.querySelectorAll("[data-strength]")) {
      row.classList.toggle("chosen", row.dataset.strength === eighths);
    }
    clearTimeout(saving);
    saving = setTimeout(() => {
      fetch(`/photo/${number}/strength`, {
        method: "POST", credentials: "same-origin", redirect: "manual",
        headers: { "X-Form-Token": compare.dataset.token },
        body: new URLSearchParams({ eighths }),
      });
    }, 150);
  });
})();
