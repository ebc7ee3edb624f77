"use strict";
// One request: each of its blocks as it came and as it was sent, and what decided over every chunk.

const longText = 3000; // lines of a side that are drawn at once

async function openRequest(id) {
  const detail = document.getElementById("detail");
  detail.replaceChildren(element("p", { role: "status" }, "Loading …"));
  let account;
  try {
    const answer = await fetch("/dashboard/requests/" + encodeURIComponent(id));
    if (!answer.ok) throw new Error(await answer.text());
    account = await answer.json();
  } catch (e) {
    detail.replaceChildren(back(), element("p", { role: "alert" }, String(e.message || e)));
    return;
  }
  detail.replaceChildren(back(), heading(account), ...account.blocks.map(block));
  detail.querySelector("h2").focus();
}

const back = () => element("p", {}, element("a", { href: "#" }, "← All requests"), " (Esc)");

function heading(a) {
  const used = a.budget > 0 ? `, ${percent(a.line_tokens, a.budget)} of the budget of ${whole.format(a.budget)} used` : "";
  return element("section", {},
    element("h2", { tabindex: "-1" }, "Request ", element("span", { class: "code" }, a.id)),
    element("div", { class: "facts" }, pill(a.decision), a.reason ? element("span", { class: "code" }, a.reason) : null,
      element("span", {}, `${whole.format(a.original_tokens)} → ${whole.format(a.compressed_tokens)} tokens, ${decimal(a.ratio, 1)} times smaller${used}`),
      element("span", {}, new Date(a.time).toLocaleString()),
      element("span", { class: "code" }, [a.dialect, a.model, a.client, a.upstream].filter(Boolean).join(" · ")),
      element("span", {}, `added ${ms(a.compress_ms)}, cache ${a.cache || "not asked"}`)),
    element("p", { class: "quiet" }, "What is not shown went out byte for byte as it came."));
}

function block(b) {
  const facts = element("div", { class: "facts" }, pill(b.outcome), b.reason ? element("span", { class: "code" }, b.reason) : null,
    element("span", {}, `${whole.format(b.original_tokens)} → ${whole.format(b.compressed_tokens)} tokens of a budget of ${whole.format(b.budget)}, ${percent(b.line_tokens, b.budget)} of it lines`),
    element("span", {}, "ranked by " + (b.ranker || "nobody") + (b.ranker_reason ? ` (${b.ranker_reason})` : "")));
  const name = b.path || "a block without a name";
  const box = element("article", { class: "block", "aria-label": name }, element("h3", { class: "code" }, name), facts,
    element("div", { class: "question", tabindex: "0", role: "note", "aria-label": "Question" }, b.question || "without a question"));
  for (const note of b.notes || []) box.append(element("p", { class: "quiet" }, note));
  if (b.chunks.length) box.append(chunkTable(b));
  box.append(sides(b));
  return box;
}

const byRank = (a, b) => (a.rank || Infinity) - (b.rank || Infinity);
function partsText(parts) {
  const words = parts.slice(0, 4).map((p) => `${p.signal} ${p.value >= 0 ? "+" : "−"}${decimal(Math.abs(p.value))}`);
  const rest = parts.slice(4).reduce((sum, p) => sum + p.value, 0);
  if (parts.length > 4) words.push(`${parts.length - 4} more ${rest >= 0 ? "+" : "−"}${decimal(Math.abs(rest))}`);
  return words.join(", ") || "–";
}

function chunkTable(b) {
  const dropped = b.chunks.filter((c) => c.decision !== "kept").length;
  const rows = [...b.chunks].sort(byRank).map((c) => {
    const at = element("button", { type: "button", onclick: (e) => reveal(e.target.closest("article"), c.start_line) }, `${c.start_line}–${c.end_line}`);
    return element("tr", { "data-line": c.start_line }, cell(c.rank || "–", "n"), element("td", {}, pill(c.decision)), element("td", { class: "n" }, at), cell(whole.format(c.tokens), "n"),
      cell(c.rank ? decimal(c.score) : "–", "n"), cell([c.kind, c.name].filter(Boolean).join(" "), "code"), cell(c.why, "wrap"), cell(partsText(c.parts), "code wrap"));
  });
  const heads = ["Rank", "Decision", "Lines", "Tokens", "Score", "What", "Why", "Parts of the score"];
  const right = [true, false, true, true, true];
  const table = element("table", { class: "chunks" }, element("thead", {}, element("tr", {}, ...heads.map((h, i) => element("th", { scope: "col", class: right[i] ? "n" : undefined }, h)))), element("tbody", {}, ...rows));
  return element("details", { open: rows.length <= 40 }, element("summary", {}, `${b.chunks.length} chunks, ${dropped} of them dropped or cut: rank, decision and why`),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Chunks of " + (b.path || "the block") }, table));
}

// reveal scrolls the original to a line and marks it.
function reveal(article, line) {
  const target = article.querySelector(`li[data-line="${line}"]`);
  if (!target) return;
  target.scrollIntoView({ block: "center" });
  target.tabIndex = -1;
  target.focus();
}

const linesOf = (text) => text.replace(/\n$/, "").split("\n");

function sides(b) {
  const kept = new Set();
  for (const c of b.chunks) for (const [from, to] of c.kept_lines || []) for (let n = from; n <= to; n++) kept.add(n);
  const known = b.chunks.length > 0 && b.outcome === "compressed";
  const chunkOf = (n) => b.chunks.find((c) => n >= c.start_line && n <= c.end_line);
  let last = null;
  const original = linesOf(b.original).map((text, i) => {
    const n = i + 1, is = !known || kept.has(n) ? "kept" : "dropped", list = [];
    const c = is === "dropped" ? chunkOf(n) : null;
    if (c && c !== last) list.push(element("li", { class: "note" }, `${c.rank ? "rank " + c.rank + ": " : ""}${c.why}`));
    last = c;
    list.push(element("li", { class: known ? is : undefined, "data-line": n, title: c ? c.why : undefined }, element("span", { "aria-hidden": "true" }, n), text));
    return list;
  });
  const sent = linesOf(b.sent || b.original).map((text) => [element("li", { class: /\.\.\. lines? \d/.test(text) ? "marker" : undefined }, text)]);
  const side = (title, lines) => {
    const list = element("ol", {}), region = element("div", { class: "text", tabindex: "0", role: "region", "aria-label": title }, list);
    const draw = (from) => {
      list.append(...lines.slice(from, from + longText).flat());
      const left = lines.length - from - longText;
      if (left > 0) list.append(element("li", {}, element("button", { type: "button", onclick: (e) => { e.target.closest("li").remove(); draw(from + longText); } }, `${whole.format(left)} more lines`)));
    };
    draw(0);
    return element("div", {}, element("h4", { class: "quiet" }, `${title}: ${whole.format(lines.length)} lines`), region);
  };
  const box = element("div", { class: "sides" }, side("As it came", original));
  box.append(b.sent ? side("As it was sent", sent) : element("p", { class: "quiet" }, "It was sent as it came."));
  return box;
}
