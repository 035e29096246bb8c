"use strict";
(() => {
  const cards = [...document.querySelectorAll(".card")];
  const status = document.getElementById("status");
  const count = document.getElementById("count");
  const verdicts = { r: "right", 1: "right", w: "wrong", 2: "wrong", u: "unsure", 3: "unsure" };
  let at = Math.max(0, cards.findIndex(card => !card.dataset.verdict));
  let saving = Promise.resolve(), waiting = 0;
  const field = (card, name) => card.querySelector(`[name=${name}]`);
  const show = (card, verdict) => {
    card.dataset.verdict = verdict;
    for (const button of card.querySelectorAll("[data-mark]"))
      button.setAttribute("aria-pressed", String(button.dataset.mark === verdict));
    count.textContent = cards.filter(each => each.dataset.verdict).length;
  };
  const go = place => {
    cards[at].removeAttribute("data-current");
    at = Math.min(cards.length - 1, Math.max(0, place));
    cards[at].setAttribute("data-current", "");
    cards[at].focus({ preventScroll: true });
    cards[at].scrollIntoView({ block: "start" });
    const said = cards[at].querySelector(".said"), cited = said.querySelector(".cited");
    if (cited) said.scrollTop += cited.getBoundingClientRect().top - said.getBoundingClientRect().top - 40;
  };
  const save = (card, verdict) => {
    const before = card.dataset.saved || "";
    const body = { id: card.dataset.id, verdict,
      note: field(card, "note").value, correction: field(card, "correction").value };
    show(card, verdict);
    waiting += 1;
    saving = saving.then(async () => {
      try {
        const reply = await fetch("label", { method: "POST", body: JSON.stringify(body),
          headers: { "Content-Type": "application/json" } });
        if (!reply.ok) throw new Error(await reply.text());
        card.dataset.saved = verdict;
        for (const name of ["note", "correction"]) field(card, name).defaultValue = body[name];
        status.textContent = "";
      } catch (error) {
        const ended = error instanceof TypeError;  // of fetch, without a reply
        status.textContent = `Not saved: ${ended ? "colloquy-review has ended" : error.message}`;
        if (card.dataset.verdict === verdict) show(card, before);
      }
      waiting -= 1;
    });
  };
  const mark = (card, verdict) => {
    save(card, verdict);
    if (verdict) go(cards.indexOf(card) + 1);
  };
  let pressed = null;  // the button that was on before a click, whose start may end and save a field
  for (const start of ["pointerdown", "keydown"])
    document.addEventListener(start, event => { pressed = event.target.closest("[aria-pressed=true]"); });
  document.addEventListener("click", event => {
    const card = event.target.closest(".card"), button = event.target.closest("[data-mark]");
    if (card && button) mark(card, button === pressed ? "" : button.dataset.mark);
  });
  document.addEventListener("change", event => {
    const card = event.target.closest(".card");
    if (card) save(card, card.dataset.verdict || (event.target.value ? "unsure" : ""));
  });
  document.addEventListener("focusin", event => {
    const card = event.target.closest(".card");
    if (!card || card === cards[at]) return;
    cards[at].removeAttribute("data-current");
    at = cards.indexOf(card);
    card.setAttribute("data-current", "");
  });
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches("textarea, input")) {
      if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey)) {
        event.preventDefault();
        event.target.blur();
        cards[at].focus({ preventScroll: true });
      }
      return;
    }
    const key = event.key.toLowerCase();
    if (key.startsWith("arrow") && event.target.matches(".said")) return;  // scrolls the transcript
    if (event.repeat && (key in verdicts || key === "x" || key === "0")) return;  // a key held down
    if (key in verdicts) mark(cards[at], verdicts[key]);
    else if (key === "x" || key === "0") mark(cards[at], "");
    else if (key === "j" || key === "arrowdown") go(at + 1);
    else if (key === "k" || key === "arrowup") go(at - 1);
    else if (key === "n") field(cards[at], "note").focus();
    else if (key === "c") field(cards[at], "correction").focus();
    else return;
    event.preventDefault();
  });
  addEventListener("beforeunload", event => {
    const typed = document.activeElement;
    if (waiting || typed.matches("textarea") && typed.value !== typed.defaultValue) event.preventDefault();
  });
  for (const card of cards) {
    card.dataset.saved = card.dataset.verdict;
    show(card, card.dataset.verdict);
  }
  window.reviewSaved = () => saving;
  go(at);
})();
