// What a person says of pictures and versions: kept in this browser, marked on the sheet, exported as verdicts.json.
"use strict";

const judge = {
  sheet: JSON.parse(document.getElementById("sheet").textContent),
  shots: new Map(),
  verdicts: [
    { name: "approve", title: "Approve", sign: "✓", key: "1" },
    { name: "revise", title: "Revise", sign: "↻", key: "2" },
    { name: "reject", title: "Reject", sign: "✕", key: "3" },
  ],
  tagKeys: "qwertyuioasdhjklzxcvnm", // without f b g p, which change the view
  listeners: [],
};

{
  const { sheet } = judge;
  const said = {};
  for (const version of sheet.versions) {
    for (const shot of version.shots) judge.shots.set(shot.id, shot);
    said[version.version] = { verdict: null, tags: [], note: "", shots: {}, ...page.recall(place(version.version), {}) };
  }

  function place(version) {
    return `verdicts:${sheet.uid || `${sheet.namespace}/${sheet.project}`}:${version}`;
  }

  function changed(version) {
    page.remember(place(version), said[version]);
    for (const listener of judge.listeners) listener(version);
  }

  judge.isJudged = (shot) => shot.look === shot.version && shot.image !== null;
  judge.of = (version) => said[version];
  judge.ofShot = (shot) => said[shot.version].shots[shot.id] ?? { verdict: null, tags: [], note: "" };

  judge.say = (shot, words) => {
    if (!judge.isJudged(shot)) return;
    const next = { ...judge.ofShot(shot), ...words };
    const hasWords = next.tags.length > 0 || next.note !== "";
    if (next.verdict === null && hasWords && words.verdict === undefined) next.verdict = "revise"; // a fault without a verdict
    if (next.verdict === null) delete said[shot.version].shots[shot.id];
    else said[shot.version].shots[shot.id] = next;
    changed(shot.version);
  };

  judge.sayOfVersion = (version, words) => {
    Object.assign(said[version], words);
    changed(version);
  };

  judge.toggled = (tags, tag) => (tags.includes(tag) ? tags.filter((one) => one !== tag) : [...tags, tag]);

  judge.exported = (version) => {
    const { verdict, tags, note, shots } = said[version];
    const judged = Object.entries(shots).flatMap(([id, words]) => {
      const shot = judge.shots.get(id);
      if (!shot) return []; // kept from an earlier sheet that had other prompts
      const note = words.note ? { note: words.note } : {};
      return [{ prompt: shot.prompt, seed: shot.seed, verdict: words.verdict, tags: words.tags, ...note }];
    });
    const { project, namespace, uid } = sheet;
    return { schema: sheet.verdicts, project, namespace, uid, version, verdict, tags, note: note.trim(), shots: judged };
  };
}

// Small parts that the sheet and the large view share.
judge.element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
};

judge.verdictButtons = (choose) =>
  judge.verdicts.map(({ name, title, sign, key }) =>
    judge.element(
      "button",
      { type: "button", class: `verdict ${name}`, title: `${title} (${key})`, "aria-pressed": "false", "data-verdict": name, onclick: () => choose(name) },
      judge.element("span", { class: "sign", "aria-hidden": "true" }, sign),
      judge.element("span", { class: "title" }, title),
    ),
  );

judge.tagButtons = (choose, withKeys) =>
  judge.sheet.tags.map((tag, index) => {
    const key = withKeys ? judge.tagKeys[index] : undefined;
    const hint = key ? [" ", judge.element("kbd", {}, key)] : [];
    return judge.element("button", { type: "button", class: "tag", "aria-pressed": "false", "data-tag": tag, onclick: () => choose(tag) }, tag.replaceAll("-", " "), ...hint);
  });

judge.show = (part, words) => {
  for (const button of part.querySelectorAll("[data-verdict]")) button.setAttribute("aria-pressed", button.dataset.verdict === words.verdict);
  for (const button of part.querySelectorAll("[data-tag]")) button.setAttribute("aria-pressed", words.tags.includes(button.dataset.tag));
};
