"use strict";
(() => {
  const tip = document.getElementById("tip");
  let shown = null;

  const hide = () => {
    if (shown) shown.removeAttribute("aria-describedby");
    shown = null;
    tip.hidden = true;
  };
  const show = (mark) => {
    hide();
    shown = mark;
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    mark.setAttribute("aria-describedby", "tip");
    const at = mark.getBoundingClientRect();
    const own = tip.getBoundingClientRect();
    const wide = document.documentElement.clientWidth;
    return { at, own, wide };
  };
  const place = (x, top, bottom, own, wide) => {
    const high = window.innerHeight;
    const left = Math.max(8, Math.min(x - own.width / 2, wide - own.width - 8));
    const above = top - own.height - 10;
    const below = Math.min(bottom + 10, high - own.height - 8);
    tip.style.left = `${left}px`;
    tip.style.top = `${Math.max(8, above >= 8 ? above : below)}px`;
  };
  const atMark = (mark) => {
    const { at, own, wide } = show(mark);
    place(at.left + at.width / 2, at.top, at.bottom, own, wide);
  };
  const atPointer = (mark, event) => {
    const { own, wide } = show(mark);
    place(event.clientX, event.clientY - 6, event.clientY + 6, own, wide);
  };
  const within = (target) => (target instanceof Element ? target.closest(".mark") : null);
  const near = (event) => { // a line is thin and a finger is wide
    const below = document.elementFromPoint(event.clientX, event.clientY) || event.target; // of a finger the target is a guess of the browser's
    const straight = within(event.target) || within(below);
    if (straight || !(below instanceof Element) || !below.closest(".drawing")) return straight;
    for (const far of [4, 8]) {
      for (let turn = 0; turn < 8; turn += 1) {
        const angle = (turn * Math.PI) / 4;
        const found = within(document.elementFromPoint(event.clientX + far * Math.cos(angle), event.clientY + far * Math.sin(angle)));
        if (found) return found;
      }
    }
    return null;
  };
  const point = (event) => {
    const mark = near(event);
    if (mark) atPointer(mark, event);
    else if (shown && shown !== document.activeElement) hide();
  };

  const told = (mark, text) => {
    mark.dataset.tip = text;
    mark.setAttribute("aria-label", text);
    mark.setAttribute("role", "img");
  };
  for (const title of document.querySelectorAll(".mark > title")) {
    told(title.parentElement, title.textContent);
    title.remove(); // or the browser would show its own beside ours
  }
  for (const picture of document.querySelectorAll(".picture")) {
    const first = picture.querySelectorAll(".drawing:first-of-type .mark");
    for (const mark of picture.querySelectorAll(".mark[data-of]")) told(mark, first[Number(mark.dataset.of)].dataset.tip);
  }
  for (const drawing of document.querySelectorAll(".drawing > svg")) {
    const marks = drawing.querySelectorAll(".mark");
    if (!marks.length) continue;
    drawing.setAttribute("role", "group"); // an img would hide its marks from a screen reader
    marks.forEach((mark, number) => mark.setAttribute("tabindex", number ? "-1" : "0"));
  }
  for (const kind of ["pointerover", "pointermove"]) document.addEventListener(kind, point);
  document.addEventListener("pointerdown", (event) => {
    hide();
    point(event);
  });
  // A finger that is lifted leaves too, and the next tap takes the focus from the last mark: neither is a reason to hide.
  document.documentElement.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") hide(); });
  document.addEventListener("focusin", (event) => {
    const mark = within(event.target);
    if (mark && mark.matches(":focus-visible")) atMark(mark);
  });
  document.addEventListener("focusout", (event) => { if (within(event.target) === shown) hide(); });
  document.addEventListener("scroll", () => { // a focus scrolls its mark into view
    if (shown && shown === document.activeElement) atMark(shown);
    else hide();
  }, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const mark = within(event.target);
    if (!step || !mark) return;
    const marks = [...mark.ownerSVGElement.querySelectorAll(".mark")];
    const next = marks[(marks.indexOf(mark) + step + marks.length) % marks.length];
    event.preventDefault();
    mark.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });

  const select = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const chosen = window.getSelection();
    chosen.removeAllRanges();
    chosen.addRange(range);
  };
  const copy = async (button, node) => {
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(node.textContent);
    } catch (refused) {
      select(node);
      if (!document.execCommand("copy")) said = "Selected";
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
  for (const button of document.querySelectorAll(".copy")) {
    const node = button.parentElement.querySelector(".typed");
    button.hidden = false;
    button.setAttribute("aria-label", `Copy ${node.textContent}`);
    button.addEventListener("click", () => copy(button, node));
  }
  window.addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) { one.open = true; one.dataset.closed = ""; }
  });
  window.addEventListener("afterprint", () => {
    for (const one of document.querySelectorAll("details[data-closed]")) { one.open = false; delete one.dataset.closed; }
  });
})();
