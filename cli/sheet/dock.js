// The word on the whole version, at the foot of the sheet; the export; the list of keys.
"use strict";

{
  const { element, sheet } = judge;
  const version = () => view.judgedVersion();
  const heading = element("strong", {});
  const count = element("span", { class: "quiet", role: "status" });
  const note = element("input", { type: "text", maxlength: "2000", placeholder: "Note for the next round", "aria-label": "Note on the version" });
  const dock = element(
    "section",
    { class: "dock", "aria-label": "Verdict on the version" },
    element("div", { class: "who" }, heading, count),
    element("div", { class: "verdicts" }, ...judge.verdictButtons((name) => judge.sayOfVersion(version(), { verdict: judge.of(version()).verdict === name ? null : name }))),
    element("div", { class: "tags" }, ...judge.tagButtons((tag) => judge.sayOfVersion(version(), { tags: judge.toggled(judge.of(version()).tags, tag) }), false)),
    note,
    element("button", { type: "button", class: "export", "data-do": "export" }, "Export verdicts"),
  );
  document.body.append(dock);
  note.addEventListener("input", () => judge.sayOfVersion(version(), { note: note.value }));

  const tell = () => {
    const words = judge.of(version());
    const mine = view.judgedFigures.filter((figure) => view.shotOf(figure).version === version());
    const done = mine.filter((figure) => figure.dataset.verdict).length;
    heading.textContent = version();
    count.textContent = `${done} of ${mine.length} judged`;
    judge.show(dock, words);
    if (document.activeElement !== note) note.value = words.note;
  };
  judge.listeners.push(tell);
  for (const { name, key } of judge.verdicts) page.keys[`shift ${key}`] = () => judge.sayOfVersion(version(), { verdict: name });

  // The export: a file, and the same text to copy where a browser saves none
  const text = element("textarea", { readonly: true, rows: "10", "aria-label": "verdicts.json", spellcheck: "false" });
  const told = element("p", { role: "status" });
  const command = element("code", {});
  const copy = element("button", { type: "button", autofocus: true, onclick: () => copyText() }, "Copy the text");
  const again = element("button", { type: "button", onclick: () => download() }, "Download again");
  const dialogOf = (name, ...children) => {
    const made = element("dialog", { class: name }, ...children, element("form", { method: "dialog" }, element("button", {}, "Close ", element("kbd", {}, "Esc"))));
    document.body.append(made);
    return made;
  };
  const exporting = dialogOf("exporting", element("h2", {}, "Verdicts"), told, element("p", {}, command), text, element("p", {}, copy, " ", again));

  const download = () => {
    const address = URL.createObjectURL(new Blob([text.value], { type: "application/json" }));
    element("a", { href: address, download: "verdicts.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };
  const copyText = async () => {
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      text.select();
      document.execCommand("copy");
    }
    told.textContent = "Copied. Save the text as verdicts.json, then:";
  };
  page.actions.export = () => {
    const verdicts = judge.exported(version());
    if (verdicts.verdict === null) {
      count.textContent = `First say what ${version()} gets: approve, revise or reject.`;
      dock.classList.add("asking");
      dock.querySelector("[data-verdict]").focus();
      return;
    }
    dock.classList.remove("asking");
    text.value = `${JSON.stringify(verdicts, null, 2)}\n`;
    told.textContent = `verdicts.json holds the word on ${version()} and on ${verdicts.shots.length} pictures. Hand it to the farm:`;
    command.textContent = "brandfarm critique --from verdicts.json";
    download();
    exporting.showModal();
  };

  // The keys
  const KEYS = [
    ["← → ↑ ↓", "another picture"],
    ["Enter", "large view; ↑ ↓ there change the look"],
    ["1 2 3 0", "approve, revise, reject, clear the picture"],
    ["⇧1 ⇧2 ⇧3", "approve, revise, reject the version"],
    ["f", "before and after the finish; hold to peek"],
    ["b", "the base on the same spot; hold to peek"],
    ["g", "ground: dark, grey, black, white"],
    ["p", "small pictures by their pixels, or smooth"],
    ...sheet.tags.flatMap((tag, index) => (judge.tagKeys[index] ? [[judge.tagKeys[index], `tag: ${tag}`]] : [])),
    ["?", "these keys"],
  ];
  const list = element("dl", { class: "facts" }, ...KEYS.map(([key, what]) => element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, what))));
  const help = dialogOf("help", element("h2", {}, "Keys"), list);
  page.actions.help = () => (help.open ? help.close() : help.showModal());
  page.keys["?"] = "help";

  view.choose(view.newest);
}
