"use strict";
// Leafing through the sample.  Texts only ever become text nodes.
(() => {
  const source = document.getElementById("sample");
  if (!source) return;
  const traces = JSON.parse(source.textContent);
  const tools = document.getElementById("tools");
  const list = document.getElementById("list");
  const page = document.getElementById("trace");
  const place = document.getElementById("place");
  const turns = { previous: document.getElementById("previous"), next: document.getElementById("next") };
  const KINDS = {
    prompt: "what the teacher was given", hint: "put into the thought by the recipe", think: "the teacher's thought",
    code: "code the teacher wrote", output: "what the code printed", answer: "the answer",
  };
  const FOLD = 700;
  let shown = traces;
  let at = 0;

  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const count = (n) => n.toLocaleString("en");
  const brief = (text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
  const counted = (n, one) => `${count(n)} ${one}${n === 1 ? "" : "s"}`;

  const body = (segment) => {
    const pre = make("pre", "", segment.head);
    if (segment.tail) {
      const left = segment.chars - [...segment.head].length - [...segment.tail].length;
      pre.append(make("span", "gap", `… ${count(left)} characters left out …`), segment.tail);
    }
    return pre;
  };

  const told = (segment) => {
    const parts = [segment.tokens ? counted(segment.tokens, "token") : counted(segment.chars, "character")];
    if (!segment.trainable) parts.push("no loss");
    return make("span", "aside", ` · ${parts.join(" · ")}`);
  };

  const drawSegment = (segment) => {
    const box = make("section", `seg seg-${segment.kind}`);
    if (segment.kind === "prompt" && segment.chars > FOLD) {
      const fold = make("details");
      const summary = make("summary", "", segment.kind);
      summary.append(told(segment));
      fold.append(summary, body(segment));
      box.append(fold);
    } else {
      const name = make("div", "name", segment.kind);
      name.append(told(segment));
      box.append(name, body(segment));
    }
    return box;
  };

  const draw = () => {
    page.replaceChildren();
    const trace = shown[at];
    place.textContent = shown.length ? `${at + 1} of ${shown.length}` : "none";
    turns.previous.disabled = at <= 0;
    turns.next.disabled = at >= shown.length - 1;
    for (const [n, button] of [...list.querySelectorAll("button")].entries()) {
      button.setAttribute("aria-current", String(n === at));
      if (n === at && list.offsetParent) {
        const top = button.offsetTop - list.offsetTop;
        if (top < list.scrollTop || top + button.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top;
      }
    }
    if (!trace) {
      page.append(make("p", "empty", "No sampled trace is like that."));
      return;
    }
    const facts = make("dl", "meta");
    const fact = (name, value, className) => {
      if (value === null || value === undefined || value === "") return;
      facts.append(make("dt", "", name), make("dd", className, String(value)));
    };
    fact("trace", trace.trace_id);
    fact("item", [trace.kind, trace.domain, trace.source].filter((v, n, all) => v && all.indexOf(v) === n).join(", "));
    fact("made by", `${trace.recipe}, ${trace.teacher}, draw ${trace.draw}`);
    fact("took", `${counted(trace.tokens, "token")} in ${trace.seconds.toFixed(1)} s, ended by ${trace.finish_reason}`);
    fact("outcome", trace.outcome, `outcome-${trace.outcome}`);
    fact("answer", trace.answer);
    fact("reference", trace.reference);
    for (const [who, said] of trace.verdicts || []) fact(who, said);
    for (const [who, said] of trace.objections || []) fact(who, `objects: ${said}`);
    if (trace.scores) fact("scores", trace.scores.map((pair) => pair.join(" ")).join(", "));
    page.append(facts, ...trace.segments.map(drawSegment));
    const more = trace.segments_in_all - trace.segments.length;
    if (more > 0) page.append(make("p", "empty", `${counted(more, "segment")} more are left out.`));
  };

  const turn = (step) => {
    const to = Math.min(Math.max(at + step, 0), shown.length - 1);
    if (to >= 0 && to !== at) { at = to; draw(); }
  };

  const fill = () => {
    list.replaceChildren(...shown.map((trace, n) => {
      const entry = make("li");
      const button = make("button");
      button.type = "button";
      button.append(make("span", "", `${trace.recipe}, ${brief(trace.domain ?? "no domain")}`), make("br"),
        make("span", `outcome-${trace.outcome}`, trace.outcome),
        make("span", "id", ` · ${counted(trace.tokens, "token")} · ${trace.trace_id.slice(0, 8)}`));
      button.addEventListener("click", () => { at = n; draw(); });
      entry.append(button);
      return entry;
    }));
  };

  const choose = () => {
    const wanted = Object.fromEntries(new FormData(tools));
    shown = traces.filter((trace) => Object.entries(wanted).every(([key, value]) => !value || String(trace[key]) === value.slice(1)));
    at = 0;
    fill();
    draw();
  };

  for (const select of tools.querySelectorAll("select")) {
    const counts = new Map();
    for (const trace of traces) counts.set(String(trace[select.name]), (counts.get(String(trace[select.name])) || 0) + 1);
    const every = make("option", "", "all");
    every.value = "";
    select.append(every);
    for (const [value, n] of [...counts].sort()) {
      const option = make("option", "", `${brief(value)} (${n})`);
      option.value = `=${value}`;  // an empty value stands for all
      select.append(option);
    }
    select.addEventListener("change", choose);
  }
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.reset();
  const there = new Set(traces.flatMap((trace) => trace.segments.map((segment) => segment.kind)));
  for (const [kind, meaning] of Object.entries(KINDS)) {
    if (!there.has(kind)) continue;
    const entry = make("li");
    entry.append(make("span", `swatch k-${kind}`), `${kind}: ${meaning}`);
    document.getElementById("kinds").append(entry);
  }
  turns.previous.addEventListener("click", () => turn(-1));
  turns.next.addEventListener("click", () => turn(1));
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("select, input, textarea, .scroll")) return;
    if (event.key === "ArrowRight" || event.key === "j") turn(1);
    else if (event.key === "ArrowLeft" || event.key === "k") turn(-1);
    else return;
    event.preventDefault();
  });
  document.getElementById("browser").hidden = false;
  choose();
})();
