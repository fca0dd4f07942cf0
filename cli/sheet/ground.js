// What every page of pictures can do: keys and buttons that act, the ground behind the pictures, how small ones are scaled.
"use strict";

const page = {
  actions: {}, // name -> what it does
  keys: {}, // key -> name of an action, or a function of the event
  held: new Set(), // actions that are undone when their key was held and is let go
  remember(name, value) {
    try {
      localStorage.setItem(`brandfarm:${name}`, JSON.stringify(value));
    } catch {
      page.forgets = true; // private windows keep nothing; the sheet says so when it exports
    }
  },
  recall(name, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(`brandfarm:${name}`)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  press(name, isPressed) {
    for (const button of document.querySelectorAll(`[data-do="${name}"]`)) button.setAttribute("aria-pressed", isPressed);
  },
};

{
  const root = document.documentElement;
  const GROUNDS = ["dark", "grey", "black", "white"];
  const PEEK_MILLISECONDS = 350;
  let ground = page.recall("ground", "dark");
  let isPixelated = true;
  let pressedAt = 0;

  root.classList.add("js");
  root.dataset.ground = ground;

  page.actions.ground = () => {
    ground = GROUNDS[(GROUNDS.indexOf(ground) + 1) % GROUNDS.length];
    root.dataset.ground = ground;
    page.remember("ground", ground);
  };
  page.actions.pixels = () => {
    isPixelated = !isPixelated;
    root.classList.toggle("smooth", !isPixelated);
    page.press("pixels", isPixelated);
  };
  page.keys.g = "ground";
  page.keys.p = "pixels";

  // Shift and a digit differ by keyboard; where a digit itself needs shift, it stays the digit.
  const meantKey = ({ key, code, shiftKey }) => (shiftKey && code.startsWith("Digit") && !/\d/.test(key) ? `shift ${code.slice(5)}` : key);
  const isWriting = (target) => target.closest("input, textarea, select") !== null;

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) page.actions[button.dataset.do](event);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    const meant = page.keys[meantKey(event)];
    if (!meant || (event.repeat && typeof meant === "string")) return;
    if (typeof meant === "string") {
      pressedAt = event.timeStamp;
      page.actions[meant](event);
    } else if (meant(event) === false) return;
    event.preventDefault();
  });

  document.addEventListener("keyup", (event) => {
    const name = page.keys[event.key];
    const wasHeld = pressedAt && event.timeStamp - pressedAt > PEEK_MILLISECONDS;
    if (page.held.has(name) && wasHeld) page.actions[name](event);
    if (typeof name === "string") pressedAt = 0;
  });
}
