// The large view: one picture, the same place by the other looks, its recipe, and words on it.
"use strict";

{
  const { element, sheet } = judge;
  const picture = element("img", { alt: "" });
  const stage = element("div", { class: "stage" }, picture);
  const strip = element("div", { class: "film", role: "group", "aria-label": "The same prompt and seed" });
  const title = element("h2", { id: "viewer-title", tabindex: "-1", autofocus: true });
  const prompt = element("p", { class: "prompt" });
  const words = element("div", { class: "words" });
  const note = element("input", { type: "text", maxlength: "2000", placeholder: "Note on this picture", "aria-label": "Note on this picture" });
  const facts = element("dl", { class: "facts" });
  const close = element("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close ", element("kbd", {}, "Esc"));
  const panel = element("div", { class: "panel" }, close, title, prompt, words, facts);
  const dialog = element("dialog", { class: "viewer", "aria-labelledby": "viewer-title" }, element("div", { class: "left" }, stage, strip), panel);
  document.body.append(dialog);

  let shown = null; // the shot in view
  const current = () => shown;
  words.append(
    element("div", { class: "verdicts" }, ...judge.verdictButtons((name) => judge.say(current(), { verdict: judge.ofShot(current()).verdict === name ? null : name }))),
    element("div", { class: "tags" }, ...judge.tagButtons((tag) => judge.say(current(), { tags: judge.toggled(judge.ofShot(current()).tags, tag) }), true)),
    note,
  );
  note.addEventListener("change", () => judge.say(shown, { note: note.value.trim() }));
  note.addEventListener("keydown", (event) => event.key === "Enter" && note.blur());

  const figureOf = (shot) => document.getElementById(shot.id);
  const looks = (shot) =>
    view.visible().map(view.shotOf).filter((other) => other.recipe.prompt === shot.recipe.prompt && other.seed === shot.seed && other.image);

  const scaled = (shot) => {
    const { width, height } = shot.recipe;
    const room = Math.min((stage.clientWidth - 2) / width, (stage.clientHeight - 2) / height);
    const factor = room >= 2 && width <= 128 ? Math.floor(room) : Math.min(room, 2);
    picture.width = Math.round(width * factor);
    picture.height = Math.round(height * factor);
    picture.classList.toggle("tiny", width <= 128);
  };

  const baseOf = (shot) => judge.shots.get(figureOf(shot)?.dataset.base);
  view.repaint = () => {
    if (!shown) return;
    const seen = view.isBase && baseOf(shown)?.image ? baseOf(shown) : shown;
    picture.src = view.fileOf(seen);
    picture.alt = `${seen.look}: ${seen.recipe.prompt}, seed ${seen.seed}`;
    stage.dataset.look = `${seen.look}${view.isFinished || !seen.unfinished ? "" : ", before the finish"}`;
    scaled(seen);
  };

  const show = (shot) => {
    shown = shot;
    title.textContent = shot.look === "base" ? "Base model" : `${sheet.project} ${shot.look}`;
    prompt.textContent = shot.recipe.prompt;
    facts.replaceChildren(...shot.facts.map(([what, how]) => element("div", {}, element("dt", {}, what), element("dd", {}, how))));
    strip.replaceChildren(
      ...looks(shot).map((other) => {
        const label = other.look === "base" ? "base" : other.look;
        const image = element("img", { src: view.fileOf(other), alt: "", class: other.recipe.width <= 128 ? "tiny" : null });
        return element("button", { type: "button", "aria-pressed": String(other === shot), onclick: () => turn(other) }, image, label);
      }),
    );
    words.hidden = !judge.isJudged(shot);
    tell();
    view.repaint();
  };
  const tell = () => {
    if (!shown) return;
    judge.show(words, judge.ofShot(shown));
    if (document.activeElement !== note) note.value = judge.ofShot(shown).note;
  };
  judge.listeners.push(tell);

  const turn = (shot) => {
    view.mean(figureOf(shot));
    show(shot);
  };

  view.isOpen = () => dialog.open;
  view.open = (figure) => {
    if (!view.shotOf(figure).image) return; // missing: there is nothing to enlarge
    view.mean(figure);
    dialog.showModal();
    show(view.shotOf(figure));
  };
  view.move = (key) => {
    const isAcross = key === "ArrowLeft" || key === "ArrowRight";
    const row = isAcross ? view.visible().map(view.shotOf).filter((other) => other.look === shown.look && other.image) : looks(shown);
    const by = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
    const next = row[row.indexOf(shown) + by];
    if (next) turn(next);
    return true;
  };
  dialog.addEventListener("close", () => {
    const figure = figureOf(shown);
    shown = null;
    figure.querySelector(".frame").focus();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  addEventListener("resize", () => view.repaint());
}
