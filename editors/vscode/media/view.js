// The page of the view: it shows what the extension says, and says what a person does.
const host = acquireVsCodeApi();
const at = (id) => document.getElementById(id);
let shown = { question: "" }; // what is typed before the first word of the extension stays

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  host.postMessage({ do: "ask", question: at("question").value });
});
at("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    at("ask").requestSubmit();
  }
});
at("budget").addEventListener("input", () => (at("tokens").textContent = tokens(at("budget").value)));
let waiting;
at("budget").addEventListener("change", () => {
  clearTimeout(waiting); // a key moves the slider by one step
  waiting = setTimeout(() => {
    waiting = undefined;
    host.postMessage({ do: "budget", budget: Number(at("budget").value) });
  }, 400);
});
at("copy").addEventListener("click", () => host.postMessage({ do: "copy" }));
at("server").addEventListener("click", () => host.postMessage({ do: shown.state === "off" ? "start" : "stop" }));

function tokens(n) {
  return Number(n).toLocaleString("en") + " tokens";
}

function rows(id, list) {
  at(id + "part").hidden = list.length === 0;
  at(id).replaceChildren(
    ...list.map((row) => {
      const item = document.createElement("li");
      const link = document.createElement("button");
      link.type = "button";
      link.className = "link";
      link.textContent = row.name || row.file.split("/").pop();
      link.addEventListener("click", () => host.postMessage({ do: "open", file: row.file, from: row.from }));
      const place = document.createElement("span");
      place.className = "place";
      place.textContent = `${row.file}:${row.from}-${row.to}`;
      const why = document.createElement("span");
      why.className = "why";
      why.textContent = row.why;
      item.append(link, place, why);
      return item;
    }),
  );
}

window.addEventListener("message", ({ data }) => {
  if (data.question !== shown.question) at("question").value = data.question;
  shown = data;
  if (waiting === undefined) {
    at("budget").value = data.budget;
    at("tokens").textContent = tokens(data.budget);
  }
  at("go").disabled = data.busy;
  at("copy").disabled = data.kept.length === 0;
  at("summary").textContent = data.busy ? "Looking for it …" : data.summary;
  at("error").textContent = data.error;
  document.body.classList.toggle("busy", data.busy);
  rows("kept", data.kept);
  rows("left", data.left);
  at("state").textContent = data.foreign
    ? "Another Pith on this machine answers."
    : { off: "The local server is off.", starting: "The local server starts …", on: "The local server runs." }[
        data.state
      ];
  at("server").hidden = data.foreign || data.state === "starting";
  at("server").textContent = data.state === "off" ? "Start it" : "Stop it";
});
host.postMessage({ do: "ready" });
