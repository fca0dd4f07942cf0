// The sheet itself: which version is shown, finish and base on the same spot, which picture is meant, its marks.
"use strict";

const view = { version: null, isFinished: true, isBase: false, current: null };

{
  const { sheet, element } = judge;
  const figures = [...document.querySelectorAll("figure.shot")];
  const newest = sheet.versions.at(-1).version;

  view.shotOf = (figure) => judge.shots.get(figure.id);
  view.visible = () => figures.filter((figure) => figure.offsetParent !== null);
  view.judgedVersion = () => {
    if (view.version !== "all") return view.version;
    const shot = view.current && view.shotOf(view.current);
    return shot && shot.look === shot.version ? shot.version : newest;
  };

  // Which version is shown
  view.choose = (version) => {
    view.version = version;
    document.documentElement.classList.toggle("many", version === "all");
    for (const button of document.querySelectorAll(".tabs button")) button.setAttribute("aria-pressed", button.dataset.version === version);
    for (const set of document.querySelectorAll(".set")) set.hidden = version !== "all" && !set.dataset.versions.split(" ").includes(version);
    for (const about of document.querySelectorAll(".about")) about.hidden = version !== "all" && about.dataset.version !== version;
    for (const row of document.querySelectorAll(".row")) row.hidden = !row.querySelector(".set:not([hidden])");
    if (view.current?.offsetParent === null) view.forget();
    for (const listener of judge.listeners) listener(view.judgedVersion());
  };
  document.querySelector(".tabs").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) view.choose(button.dataset.version);
  });

  // Finish and base, on the same spot
  view.fileOf = (shot) => (view.isFinished ? shot.image : shot.unfinished ?? shot.image);
  const paint = (figure, isPeeking = false) => {
    const image = figure.querySelector("img");
    if (!image) return;
    const base = figure.dataset.base && judge.shots.get(figure.dataset.base);
    const showsBase = Boolean((view.isBase || isPeeking) && base?.image);
    image.src = view.fileOf(showsBase ? base : view.shotOf(figure));
    figure.classList.toggle("shows-base", showsBase);
  };
  const paintAll = () => figures.forEach((figure) => paint(figure));
  page.actions.finish = () => {
    view.isFinished = !view.isFinished;
    page.press("finish", view.isFinished);
    document.documentElement.classList.toggle("unfinished", !view.isFinished);
    paintAll();
    view.repaint?.();
  };
  page.actions.base = () => {
    view.isBase = !view.isBase;
    page.press("base", view.isBase);
    paintAll();
    view.repaint?.();
  };
  page.keys.f = "finish";
  page.keys.b = "base";
  page.held.add("finish").add("base");
  document.querySelector('[data-do="finish"]').hidden = ![...judge.shots.values()].some((shot) => shot.unfinished);

  // Which picture is meant: the one last pointed at or focused
  view.forget = () => {
    view.current?.classList.remove("current");
    view.current = null;
  };
  view.mean = (figure) => {
    if (view.current === figure) return;
    view.forget();
    view.current = figure;
    figure.classList.add("current");
    if (view.version === "all") for (const listener of judge.listeners) listener(view.judgedVersion());
  };
  for (const figure of figures) {
    figure.addEventListener("focusin", () => view.mean(figure));
    figure.addEventListener("pointermove", (event) => {
      if (event.movementX || event.movementY) view.mean(figure); // not when the page scrolls under a resting pointer
    });
    figure.querySelector("a.frame")?.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      view.open(figure);
    });
  }

  const middle = (figure) => {
    const box = figure.getBoundingClientRect();
    return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  };
  const nearest = (direction) => {
    const from = middle(view.current);
    const rows = view.visible().filter((figure) => (middle(figure).y - from.y) * direction > 20);
    const distance = (figure) => Math.abs(middle(figure).y - from.y) * 4 + Math.abs(middle(figure).x - from.x);
    return rows.sort((one, other) => distance(one) - distance(other))[0];
  };
  view.neighbour = (key) => {
    const visible = view.visible();
    if (!view.current || !visible.includes(view.current)) return visible[0];
    const index = visible.indexOf(view.current);
    if (key === "ArrowLeft") return visible[index - 1];
    if (key === "ArrowRight") return visible[index + 1];
    return nearest(key === "ArrowUp" ? -1 : 1);
  };
  for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"])
    page.keys[key] = (event) => {
      if (view.isOpen?.()) return view.move(key);
      if (event.target.closest(".strip, .steps, .dock")) return false;
      const next = view.neighbour(key);
      if (!next) return false;
      view.mean(next);
      next.querySelector(".frame").focus();
      return true;
    };
  page.keys.Enter = (event) => {
    if (event.target.closest("a, button, dialog") || !view.current) return false;
    view.open(view.current);
    return true;
  };

  // Words on the picture that is meant
  const say = (words) => view.current && judge.say(view.shotOf(view.current), words(judge.ofShot(view.shotOf(view.current))));
  for (const { name, key } of judge.verdicts) page.keys[key] = () => say(() => ({ verdict: name }));
  page.keys["0"] = () => say(() => ({ verdict: null, tags: [], note: "" }));
  sheet.tags.forEach((tag, index) => {
    const key = judge.tagKeys[index];
    if (key) page.keys[key] = () => say((words) => ({ tags: judge.toggled(words.tags, tag) }));
  });

  const mark = (figure) => {
    const words = judge.ofShot(view.shotOf(figure));
    const verdict = judge.verdicts.find(({ name }) => name === words.verdict);
    figure.dataset.verdict = words.verdict ?? "";
    figure.querySelector(".mark").textContent = verdict ? [`${verdict.sign} ${verdict.title}`, ...words.tags, words.note].filter(Boolean).join(" · ") : "";
    judge.show(figure, words);
  };
  const judged = figures.filter((figure) => judge.isJudged(view.shotOf(figure)));
  for (const figure of judged) {
    const shot = view.shotOf(figure);
    const peek = element("button", { type: "button", class: "peek", title: "Show the base here", onpointerenter: () => paint(figure, true), onpointerleave: () => paint(figure), onfocus: () => paint(figure, true), onblur: () => paint(figure) }, "base");
    const buttons = judge.verdictButtons((name) => judge.say(shot, { verdict: judge.ofShot(shot).verdict === name ? null : name }));
    figure.querySelector("figcaption").before(element("div", { class: "judge" }, ...buttons, ...(figure.dataset.base ? [peek] : [])));
    figure.querySelector("figcaption").append(element("span", { class: "mark", role: "status" }));
    mark(figure);
  }
  judge.listeners.push((version) => judged.filter((figure) => view.shotOf(figure).version === version).forEach(mark));
  view.judgedFigures = judged;
  view.newest = newest;
}
