"use strict";
(() => {
  const form = document.querySelector(".filter");
  if (!form) return;
  const selects = [...form.querySelectorAll("select")];
  const items = [...document.querySelectorAll("[data-item]")];
  const counted = items.filter(item => item.dataset.item);
  const boxes = [...document.querySelectorAll("[data-box]")].reverse();
  const output = form.querySelector("output");
  const show = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = !words.length && selects.every(select => !select.value);
    for (const item of items) {
      const said = item.textContent.toLowerCase();
      const fits = words.every(word => said.includes(word)) && selects.every(
        ({ name, value }) => !value || item.dataset[name] === value
          || (item.dataset[name] || "").split("|").includes(value));
      item.toggleAttribute("data-hidden", !fits);
    }
    for (const box of boxes) {
      const any = box.querySelector("[data-item]:not([data-hidden])");
      box.toggleAttribute("data-hidden", !all && !any);
      if (!all && any && box.tagName === "DETAILS") box.open = true;
    }
    const shown = counted.filter(item => !item.hasAttribute("data-hidden")).length;
    output.textContent = all ? "" : `${shown} of ${counted.length} ${output.dataset.of}`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", event => event.preventDefault());
  form.hidden = false;
})();
