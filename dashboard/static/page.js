"use strict";
// The overview: what is saved, over time, why, and the last requests. Everything comes from /dashboard/events.

const $ = (id) => document.getElementById(id);
const count = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en");
const decimal = (n, digits = 2) => n.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (part, all) => (all > 0 ? decimal((100 * part) / all, 0) + " %" : "–");
const ms = (n) => (n > 0 ? (n < 10 ? decimal(n, 1) : whole.format(Math.round(n))) + " ms" : "–");

// element makes an element; text goes in as text, never as markup.
function element(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (value === true) e.setAttribute(name, "");
    else if (value !== false && value !== undefined) e.setAttribute(name, value);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
}

function table(id, heads, rows, none) {
  const head = element("tr", {}, ...heads.map((h) => element("th", { scope: "col", class: h.n ? "n" : undefined }, h.text)));
  const body = rows.length ? rows : [element("tr", {}, element("td", { colspan: heads.length, class: "quiet" }, none))];
  for (const row of rows) heads.forEach((h, i) => { if (row.cells[i]) row.cells[i].dataset.head = h.text; }); // narrow pages show it
  $(id).replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
}
const cell = (text, kind) => element("td", kind ? { class: kind } : {}, text);
const pill = (word, kind) => element("span", { class: "pill " + (kind || word) }, word);

function card(label, value, note) {
  return element("div", { class: "card" }, element("span", { class: "quiet" }, label), element("b", {}, value), element("span", { class: "quiet" }, note || ""));
}

function showCards(s) {
  const t = s.totals, treated = s.arms[0];
  const cards = [
    card("Tokens of code saved", count.format(Math.max(0, t.original - t.sent)), `${count.format(t.original)} → ${count.format(t.sent)}`),
    card("Times smaller", t.sent > 0 ? decimal(t.ratio, 1) : "–", `budget used ${percent(t.lines, t.budget)}`),
    card("Requests", count.format(t.requests), `${percent(t.compressed, t.requests)} made shorter, ${t.active} running`),
    card("Added by compression", ms(t.added_p50), `95 of 100 below ${ms(t.added_p95)}`),
    card("Known from the cache", percent(t.cache_hits, t.cache_hits + t.cache_misses), "of requests with code"),
    card("Provider's cache reads", percent(treated.cache_read, treated.input + treated.cache_read + treated.cache_write), "of prompt tokens"),
  ];
  if (treated.priced) {
    cards.splice(1, 0, card("Money saved", decimal(treated.uncompressed - treated.cost), `${decimal(treated.cost)} instead of ${decimal(treated.uncompressed)}`));
  }
  $("cards").replaceChildren(...cards);
}

function showArms(s) {
  const money = s.arms.some((a) => a.priced);
  const heads = [{ text: "Arm" }, { text: "Answers", n: true }, { text: "Failed", n: true }, { text: "Input", n: true }, { text: "Cache reads", n: true },
    { text: "Cache writes", n: true }, { text: "Output", n: true }, { text: "Half within", n: true }];
  if (money) heads.push({ text: "Cost", n: true }, { text: "An answer", n: true });
  table("arms", heads, s.arms.map((a) => {
    const row = element("tr", {}, cell(a.name === "treated" ? "compressed" : "held out"), cell(whole.format(a.answers), "n"), cell(whole.format(a.errors), "n"),
      ...[a.input, a.cache_read, a.cache_write, a.output].map((n) => cell(count.format(n), "n")), cell(ms(a.p50), "n"));
    if (money) row.append(cell(decimal(a.cost), "n"), cell(a.answers ? decimal(a.cost / a.answers, 4) : "–", "n"));
    return row;
  }));
  $("arms-note").textContent = s.arms.length > 1 ? "" :
    "No requests are held out for comparison; accounting.holdout lets a share of the conversations pass as they are." +
    (money ? "" : " accounting.prices adds money.");
}

function showDecisions(s) {
  const most = Math.max(1, ...s.decisions.map((d) => d.count));
  table("decisions", [{ text: "Decision" }, { text: "Reason" }, { text: "Requests", n: true }, { text: "Share" }], s.decisions.map((d) => {
    const bar = element("div", { class: "bar" });
    bar.style.width = (100 * d.count) / most + "%";
    return element("tr", {}, element("td", {}, pill(d.decision)), cell(d.reason || "–", "code"), cell(whole.format(d.count), "n"), element("td", {}, bar));
  }), "No request of a known kind has come yet.");
}

const broken = ["failed", "broken", "unreached", "resting"];
function showParts(s) {
  const rows = s.parts.map((p) => element("tr", {}, cell(p.name), element("td", {}, pill(p.state)), cell(p.detail, "wrap")));
  for (const u of s.upstreams) {
    const bad = broken.reduce((sum, b) => sum + (u.outcomes[b] || 0), 0), good = u.outcomes.answered || 0;
    const words = Object.entries(u.outcomes).sort().map(([k, n]) => `${k} ${whole.format(n)}`).join(", ");
    rows.push(element("tr", {}, cell("upstream " + u.name), element("td", {}, pill(bad > good ? "failing" : bad > 0 ? "busy" : "ok")), cell(words, "wrap")));
  }
  table("parts", [{ text: "Part" }, { text: "State" }, { text: "Detail" }], rows, "Nothing is known yet.");
}

let picked = 0;
function showRecent(s) {
  const k = s.keep;
  $("keep").textContent = k.keep > 0
    ? `The code of the last ${k.keep} requests is kept to be shown here: ${k.held} now, ${decimal(k.bytes / 1048576, 1)} MiB, in memory only, never on disk.`
    : "The code of requests is not kept. To see what was dropped and why, set dashboard.keep to a number of requests: they stay in memory, never on disk.";
  const rows = s.recent.map((r, i) => {
    const time = element("time", { datetime: r.time }, new Date(r.time).toLocaleTimeString());
    const open = r.kept ? element("button", { type: "button", "data-id": r.id, onclick: () => go(r.id) }, r.id.slice(0, 8)) : element("span", { class: "code quiet" }, r.id.slice(0, 8));
    return element("tr", { class: i === picked ? "picked" : undefined, "data-kept": r.kept ? r.id : undefined },
      element("td", {}, time), element("td", {}, open), element("td", {}, pill(r.decision)), cell(r.reason || "–", "code"),
      cell(r.original_tokens ? `${count.format(r.original_tokens)} → ${count.format(r.compressed_tokens)}` : "–", "n"),
      cell(r.original_tokens ? decimal(r.ratio, 1) : "–", "n"), cell(ms(r.compress_ms), "n"), cell(ms(r.took_ms), "n"),
      cell(r.aborted ? "cut" : String(r.status), "n"), cell([r.dialect, r.model, r.client, r.upstream].filter(Boolean).join(" · "), "code"));
  });
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.id : undefined;
  table("recent", [{ text: "Time" }, { text: "Request" }, { text: "Decision" }, { text: "Reason" }, { text: "Tokens", n: true }, { text: "Smaller", n: true },
    { text: "Added", n: true }, { text: "Took", n: true }, { text: "Status", n: true }, { text: "Kind" }], rows, "No request yet. Send one through Pith and it appears here.");
  if (focused) document.querySelector(`#recent button[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

const charts = {};
function chart(id, s, lines) {
  const box = $(id), data = [s.series.map((p) => p.t), ...lines.map((l) => s.series.map((p) => p[l.key] ?? null))];
  const empty = s.series.length < 2 || data.slice(1).every((d) => d.every((v) => v === null));
  if (empty || typeof uPlot === "undefined") { // it does not load under a locale that browsers do not know
    charts[id]?.destroy();
    delete charts[id];
    box.replaceChildren(element("div", { class: "none" }, "Nothing to draw yet"));
    return;
  }
  const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--quiet").trim(), grid = style.getPropertyValue("--line").trim();
  if (charts[id]?.ink === ink) {
    charts[id].setData(data);
    return;
  }
  charts[id]?.destroy();
  box.replaceChildren();
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "11px system-ui" };
  charts[id] = new uPlot({
    width: box.clientWidth, height: 150, cursor: { y: false }, legend: { show: true }, scales: { y: { range: (u, low, high) => [0, Math.max(high * 1.1, 1)] } },
    axes: [axis, { ...axis, size: 46 }],
    series: [{}, ...lines.map((l, i) => ({ label: l.label, stroke: style.getPropertyValue(i ? "--warn" : "--accent").trim(), width: 2, spanGaps: true, points: { show: false },
      value: (u, v) => (v === null ? "–" : decimal(v, 1)) }))],
  }, data, box);
  charts[id].ink = ink;
}
function showCharts(s) {
  chart("chart-ratio", s, [{ key: "ratio", label: "times" }]);
  chart("chart-added", s, [{ key: "added_p50", label: "half" }, { key: "added_p95", label: "95" }]);
  chart("chart-rate", s, [{ key: "rate", label: "a second" }]);
}
addEventListener("resize", () => { for (const [id, c] of Object.entries(charts)) c.setSize({ width: $(id).clientWidth, height: 150 }); });

let state = null;
function show() {
  if (!state || $("overview").hidden) return;
  $("version").textContent = state.version;
  picked = Math.min(picked, Math.max(0, state.recent.length - 1));
  showCards(state); showArms(state); showCharts(state); showDecisions(state); showParts(state); showRecent(state);
}

function live(word, kind) {
  const pill = $("live");
  if (pill.textContent !== word) pill.textContent = word;
  pill.className = "pill " + kind;
}
function connect() {
  const events = new EventSource("/dashboard/events");
  events.onmessage = (e) => { state = JSON.parse(e.data); live("live", "ok"); show(); };
  events.onerror = () => {
    live(state ? "not connected: what is shown is old" : "not connected", "failing");
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  };
}

const themes = ["auto", "light", "dark"];
function setTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  $("theme").textContent = "Theme: " + name;
  try { localStorage.setItem("pith-theme", name); } catch { /* a browser that keeps nothing */ }
  show();
}
let theme = "auto";
try { theme = localStorage.getItem("pith-theme") || "auto"; } catch { /* likewise */ }
const nextTheme = () => setTheme((theme = themes[(themes.indexOf(theme) + 1) % themes.length]));
$("theme").addEventListener("click", nextTheme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

function go(id) { location.hash = id ? "request=" + id : ""; }
function route() {
  const id = new URLSearchParams(location.hash.slice(1)).get("request");
  $("overview").hidden = Boolean(id);
  $("detail").hidden = !id;
  if (id) openRequest(id);
  else { $("detail").replaceChildren(); show(); }
}
addEventListener("hashchange", route);
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) return;
  if (e.key === "t") nextTheme();
  else if (e.key === "Escape") go("");
  else if ($("overview").hidden || !state) return;
  else if (e.key === "j" || e.key === "k") {
    picked = Math.max(0, Math.min(state.recent.length - 1, picked + (e.key === "j" ? 1 : -1)));
    showRecent(state);
    document.querySelector("#recent tr.picked")?.scrollIntoView({ block: "nearest" });
  } else if (e.key === "Enter" && e.target.tagName !== "BUTTON" && e.target.tagName !== "A" && state.recent[picked]?.kept) go(state.recent[picked].id);
});
setTheme(theme);
route();
connect();
