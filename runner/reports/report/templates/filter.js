"use strict";
(() => {
  const form = document.querySelector(".filter");
  if (!form) return;
  const found = [...document.querySelectorAll("#findings li[data-label]")];
  const show = () => {
    const words = form.elements.words.value.trim().toLowerCase();
    const speaker = form.elements.speaker ? form.elements.speaker.value : "";
    const label = form.elements.label ? form.elements.label.value : "";
    let shown = 0;
    for (const item of found) {
      const fits = (!words || item.textContent.toLowerCase().includes(words))
        && (!speaker || item.dataset.speakers.split("|").includes(speaker))
        && (!label || item.dataset.label === label);
      item.toggleAttribute("data-hidden", !fits);
      shown += fits;
    }
    const all = !words && !speaker && !label;
    for (const node of document.querySelectorAll("#findings details.node")) {
      const insights = [...node.querySelectorAll("li[data-label]")];
      const any = insights.some(item => !item.hasAttribute("data-hidden"));
      node.toggleAttribute("data-hidden", !all && !any);
      if (!all && any) node.open = true;
    }
    form.querySelector("output").textContent = all ? "" : `${shown} of ${found.length} insights`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", event => event.preventDefault());
  form.hidden = false;
})();
