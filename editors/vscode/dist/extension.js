"use strict";
var __create = Object.create;
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getProtoOf = Object.getPrototypeOf;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
  // If the importer is in node compatibility mode or this is not an ESM
  // file that has been converted to a CommonJS file using a Babel-
  // compatible transform (i.e. "__esModule" has not been set), then set
  // "default" to the CommonJS "module.exports" for node compatibility.
  isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target,
  mod
));
var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);

// src/extension.ts
var extension_exports = {};
__export(extension_exports, {
  activate: () => activate,
  deactivate: () => deactivate
});
module.exports = __toCommonJS(extension_exports);
var vscode4 = __toESM(require("vscode"));

// src/marks.ts
var vscode = __toESM(require("vscode"));
var Marks = class {
  kept;
  dropped = vscode.window.createTextEditorDecorationType({ isWholeLine: true, opacity: "0.45" });
  files = /* @__PURE__ */ new Map();
  listeners = [
    vscode.window.onDidChangeVisibleTextEditors(() => this.draw()),
    vscode.workspace.onDidChangeTextDocument((e) => {
      if (e.contentChanges.length > 0 && this.files.delete(e.document.uri.toString())) this.draw();
    })
  ];
  constructor(media) {
    const bar = (theme) => ({ gutterIconPath: vscode.Uri.joinPath(media, `kept-${theme}.svg`) });
    this.kept = vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      gutterIconSize: "contain",
      dark: bar("dark"),
      light: bar("light"),
      overviewRulerColor: new vscode.ThemeColor("pith.kept"),
      overviewRulerLane: vscode.OverviewRulerLane.Left
    });
  }
  /** Shows chunks of files in the place of what was shown. */
  show(files) {
    this.files.clear();
    for (const [uri, chunks] of files) this.files.set(uri, chunks);
    this.draw();
  }
  clear() {
    this.show(/* @__PURE__ */ new Map());
  }
  draw() {
    for (const editor of vscode.window.visibleTextEditors) {
      const chunks = this.files.get(editor.document.uri.toString()) ?? [];
      const kept = [];
      const dropped = [];
      if (!editor.document.isDirty || editor.document.isUntitled) {
        for (const chunk of chunks) {
          const hoverMessage = reason(chunk);
          const mark = ([from, to]) => ({ range: whole(editor.document, from, to), hoverMessage });
          kept.push(...chunk.kept_lines.map(mark));
          dropped.push(...others(chunk).map(mark));
        }
      }
      editor.setDecorations(this.kept, kept);
      editor.setDecorations(this.dropped, dropped);
    }
  }
  dispose() {
    for (const part of [this.kept, this.dropped, ...this.listeners]) part.dispose();
  }
};
function others(chunk) {
  const list = [];
  let from = chunk.start_line;
  for (const [first, last] of [...chunk.kept_lines, [chunk.end_line + 1, 0]]) {
    if (first > from) list.push([from, first - 1]);
    from = last + 1;
  }
  return list;
}
function whole(document, from, to) {
  const last = Math.min(to, document.lineCount) - 1;
  const first = Math.min(from - 1, last);
  return new vscode.Range(first, 0, last, document.lineAt(last).text.length);
}
function reason(chunk) {
  const text = new vscode.MarkdownString();
  const decision = { kept: "kept", pruned: "cut inside", omitted: "left out" }[chunk.decision];
  text.appendMarkdown(`**Pith: ${decision}** `);
  text.appendMarkdown(plain([chunk.kind, chunk.name].filter(Boolean).join(" ")));
  text.appendMarkdown("\n\n" + plain(chunk.why));
  if (chunk.rank > 0) {
    const parts = chunk.parts.slice(0, 4).map((p) => `${p.signal} ${p.value < 0 ? "\u2212" : "+"}${Math.abs(p.value).toFixed(2)}`);
    const score = `rank ${chunk.rank}, ${chunk.tokens} tokens; score ${chunk.score.toFixed(2)}: ${parts.join(", ")}`;
    text.appendMarkdown("\n\n" + plain(score));
  }
  return text;
}
function plain(text) {
  return text.replace(/[\\`*_{}[\]()#+.!|~-]/g, "\\$&").replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

// src/server.ts
var import_node_child_process = require("node:child_process");
var vscode2 = __toESM(require("vscode"));

// src/pith.ts
var http = __toESM(require("node:http"));
var LONGEST_ANSWER = 64 << 20;
var LONGEST_WAIT_MS = 12e4;
var Pith = class {
  address;
  constructor(address) {
    this.address = new URL(address);
    if (this.address.protocol !== "http:" || !isThisMachine(this.address.hostname)) {
      throw new Error(`${address} is not an http address of this machine: the code of the workspace stays here`);
    }
  }
  context(q, signal) {
    return this.ask("POST", "/pith/v1/context", q, signal);
  }
  explain(id, signal) {
    return this.ask("GET", `/pith/v1/explain/${encodeURIComponent(id)}`, void 0, signal);
  }
  shorten(path, content, query, budget, signal) {
    return this.ask("POST", "/pith/v1/compress", { files: [{ path, content }], query, budget, explain: true }, signal);
  }
  ask(method, path, body, signal) {
    const text = body === void 0 ? void 0 : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request2 = http.request(
        new URL(path, this.address),
        {
          method,
          signal,
          timeout: LONGEST_WAIT_MS,
          headers: text === void 0 ? {} : { "Content-Type": "application/json" }
        },
        (response) => {
          const parts = [];
          let size = 0;
          response.on("data", (part) => {
            parts.push(part);
            if ((size += part.length) > LONGEST_ANSWER) request2.destroy(new Error("the answer is too long"));
          });
          response.on("error", reject);
          response.on("end", () => {
            try {
              resolve(read(response.statusCode ?? 0, Buffer.concat(parts).toString("utf8")));
            } catch (error) {
              reject(error);
            }
          });
        }
      );
      request2.on("timeout", () => request2.destroy(new Error("Pith did not answer in time")));
      request2.on("error", reject);
      request2.end(text);
    });
  }
};
function read(status, text) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`Pith answered ${status} without JSON`);
  }
  if (status !== 200) {
    throw new Error(answer.error?.message ?? `Pith answered ${status}`);
  }
  return answer;
}
function isThisMachine(host) {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

// src/server.ts
var LONGEST_START_MS = 9e4;
var LONGEST_END_MS = 5e3;
var Server = class {
  changed = new vscode2.EventEmitter();
  log = vscode2.window.createOutputChannel("Pith");
  child;
  starting;
  pith;
  onChange = this.changed.event;
  get state() {
    if (this.pith) return "on";
    return this.starting ? "starting" : "off";
  }
  /** The folder that is asked about: the first of the workspace. */
  get folder() {
    return vscode2.workspace.workspaceFolders?.[0];
  }
  /** The running server; one is started where none runs. */
  start() {
    const address = vscode2.workspace.getConfiguration("pith").get("server", "").trim();
    if (address) return Promise.resolve().then(() => new Pith(address));
    if (this.pith) return Promise.resolve(this.pith);
    this.starting ??= this.run().finally(() => {
      this.starting = void 0;
      this.changed.fire();
    });
    this.changed.fire();
    return this.starting;
  }
  run() {
    const folder = this.folder;
    if (!folder) return Promise.reject(new Error("open a folder first: Pith finds code in it"));
    const command = vscode2.workspace.getConfiguration("pith").get("command", "pith");
    const env2 = { ...process.env, PITH_WORKSPACE: folder.uri.fsPath };
    const child = (0, import_node_child_process.spawn)(command, ["serve", "--listen", "127.0.0.1:0"], { env: env2, stdio: ["ignore", "ignore", "pipe"] });
    this.child = child;
    return new Promise((resolve, reject) => {
      let said = "";
      const late = setTimeout(() => {
        child.kill();
        reject(new Error("pith serve did not listen in time; its output is in the channel Pith"));
      }, LONGEST_START_MS);
      child.stderr?.setEncoding("utf8").on("data", (text) => {
        this.log.append(text);
        if (this.pith || this.child !== child) return;
        const address = /msg=serving .*?addr="?([\d.:[\]]+)/.exec(said += text)?.[1];
        if (address) {
          clearTimeout(late);
          this.pith = new Pith(`http://${address}`);
          resolve(this.pith);
        }
      });
      child.on("error", (error) => {
        clearTimeout(late);
        const missing = `${command} was not found: install Pith, or name the program in the setting pith.command`;
        reject(error.code === "ENOENT" ? new Error(missing) : error);
        this.ended(child);
      });
      child.on("exit", (status, signal) => {
        clearTimeout(late);
        const last = said.trim().split("\n").at(-1);
        reject(new Error(`pith serve ended (${signal ?? status}): ${last}`));
        this.ended(child);
      });
    });
  }
  ended(child) {
    if (this.child !== child) return;
    this.child = void 0;
    this.pith = void 0;
    this.changed.fire();
  }
  /** Ends the server, if it is ours, and waits for that. */
  async stop() {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), LONGEST_END_MS);
    await gone;
    clearTimeout(hard);
  }
  dispose() {
    this.child?.kill("SIGTERM");
    this.log.dispose();
    this.changed.dispose();
  }
};

// src/view.ts
var import_node_crypto = require("node:crypto");
var vscode3 = __toESM(require("vscode"));
var View = class {
  constructor(media, shown, act) {
    this.media = media;
    this.shown = shown;
    this.act = act;
  }
  media;
  shown;
  act;
  view;
  resolveWebviewView(view) {
    this.view = view;
    view.webview.options = { enableScripts: true, localResourceRoots: [this.media] };
    view.webview.onDidReceiveMessage((deed) => deed.do === "ready" ? this.update() : this.act(deed));
    view.onDidDispose(() => this.view = void 0);
    view.webview.html = this.page(view.webview);
  }
  update() {
    void this.view?.webview.postMessage(this.shown());
  }
  page(webview) {
    const nonce = (0, import_node_crypto.randomBytes)(16).toString("base64url");
    const file = (name) => webview.asWebviewUri(vscode3.Uri.joinPath(this.media, name));
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
content="default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'">
<title>Pith</title>
<link rel="stylesheet" href="${file("view.css")}">
</head>
<body>
<main>
<form id="ask">
<label for="question">Question</label>
<textarea id="question" rows="3" placeholder="How are idle connections closed?"></textarea>
<label for="budget">Budget <output id="tokens" for="budget"></output></label>
<input id="budget" type="range" min="500" max="16000" step="500">
<div class="row"><button type="submit" id="go">Ask</button>
<button type="button" id="copy" class="second">Copy as prompt</button></div>
</form>
<p id="summary" role="status"></p>
<p id="error" role="alert"></p>
<section id="keptpart" hidden><h2>Kept</h2><ul id="kept"></ul></section>
<section id="leftpart" hidden><h2>Left out, the best first</h2><ul id="left"></ul></section>
<footer><span id="state"></span> <button type="button" id="server" class="link"></button></footer>
</main>
<script nonce="${nonce}" src="${file("view.js")}"></script>
</body>
</html>`;
  }
};

// src/extension.ts
var MOST_ROWS = 40;
var Extension = class {
  server = new Server();
  marks;
  status = vscode4.window.createStatusBarItem("pith.status", vscode4.StatusBarAlignment.Right, 90);
  view;
  /** Since the window was opened, by question: one that is asked again counts as it is now. */
  savings = /* @__PURE__ */ new Map();
  question = "";
  found;
  error = "";
  running;
  constructor(context) {
    const media = vscode4.Uri.joinPath(context.extensionUri, "media");
    this.marks = new Marks(media);
    this.view = new View(
      media,
      () => this.shown(),
      (deed) => void this.act(deed)
    );
    const command = (name, run) => vscode4.commands.registerCommand(`pith.${name}`, run);
    context.subscriptions.push(
      this.server,
      this.marks,
      this.status,
      this.server.onChange(() => this.update()),
      vscode4.window.registerWebviewViewProvider("pith.view", this.view, {
        webviewOptions: { retainContextWhenHidden: true }
      }),
      command("ask", () => this.askInBox("What is the code wanted for?", (q) => this.askWorkspace(q))),
      command("shorten", () => this.askInBox("What is this file wanted for?", (q) => this.shorten(q))),
      command("copy", () => this.copy()),
      command("clear", () => this.clear()),
      command("start", () => this.attempt(() => this.server.start())),
      command("stop", () => this.server.stop()),
      vscode4.workspace.onDidChangeConfiguration((e) => e.affectsConfiguration("pith") && this.update())
    );
    this.status.name = "Pith";
    this.status.command = "pith.view.focus";
    this.update();
    this.status.show();
  }
  stop() {
    return this.server.stop();
  }
  get settings() {
    return vscode4.workspace.getConfiguration("pith");
  }
  get budget() {
    return this.settings.get("budget", 4e3);
  }
  async askInBox(prompt2, run) {
    const question = await vscode4.window.showInputBox({
      title: "Pith",
      prompt: prompt2,
      value: this.question,
      placeHolder: "How are idle connections closed?"
    });
    if (question?.trim()) await run(question.trim());
  }
  /** Runs one thing at a time; the next takes the place of the one before. Failures are shown. */
  async attempt(run) {
    this.running?.abort();
    const mine = this.running = new AbortController();
    this.error = "";
    this.update();
    try {
      await run(mine.signal);
    } catch (error) {
      if (!mine.signal.aborted) {
        this.error = error instanceof Error ? error.message : String(error);
        void vscode4.window.showErrorMessage(`Pith: ${this.error}`);
      }
    }
    if (this.running === mine) this.running = void 0;
    this.update();
  }
  askWorkspace(question) {
    void vscode4.commands.executeCommand("pith.view.focus");
    this.question = question;
    return this.attempt(async (signal) => {
      const pith = await this.server.start();
      const editor = vscode4.window.activeTextEditor;
      const open = editor && this.server.folder && vscode4.workspace.getWorkspaceFolder(editor.document.uri) === this.server.folder;
      const found = await pith.context(
        {
          question,
          budget: this.budget,
          ...open && { open: editor.document.uri.fsPath, line: editor.selection.active.line + 1 }
        },
        signal
      );
      const account = await pith.explain(found.id, signal);
      signal.throwIfAborted();
      this.savings.set(question, { whole: found.whole_tokens, sent: found.tokens });
      this.show({ question, text: found.text, summary: summary(found), chunks: account.blocks[0]?.chunks ?? [] });
    });
  }
  shorten(question) {
    const document = vscode4.window.activeTextEditor?.document;
    this.question = question;
    return this.attempt(async (signal) => {
      if (!document) throw new Error("open a file first");
      const pith = await this.server.start();
      const path = vscode4.workspace.asRelativePath(document.uri, false);
      const version = document.version;
      const res = await pith.shorten(path, document.getText(), question, this.budget, signal);
      signal.throwIfAborted();
      this.savings.set(`${path}
${question}`, { whole: res.original_tokens, sent: res.compressed_tokens });
      this.show({
        question,
        text: res.text,
        chunks: document.version === version ? res.explained ?? [] : [],
        file: document.uri,
        summary: `${count(res.compressed_tokens)} of the ${count(res.original_tokens)} tokens of ${path}.`
      });
    });
  }
  show(found) {
    this.found = found;
    const files = /* @__PURE__ */ new Map();
    for (const chunk of found.chunks) {
      const uri = found.file ?? this.uri(chunk.file);
      if (uri) files.set(uri.toString(), [...files.get(uri.toString()) ?? [], chunk]);
    }
    this.marks.show(files);
  }
  uri(file) {
    return this.server.folder && vscode4.Uri.joinPath(this.server.folder.uri, file);
  }
  async copy() {
    if (!this.found) {
      void vscode4.window.showInformationMessage("Pith: ask for context first.");
      return;
    }
    await vscode4.env.clipboard.writeText(prompt(this.found));
    vscode4.window.setStatusBarMessage("Pith: the prompt is in the clipboard", 4e3);
  }
  clear() {
    this.found = void 0;
    this.question = this.error = "";
    this.marks.clear();
    this.update();
  }
  async act(deed) {
    switch (deed.do) {
      case "ask":
        if (deed.question.trim()) await this.askWorkspace(deed.question.trim());
        return;
      case "budget":
        await this.settings.update("budget", deed.budget, vscode4.ConfigurationTarget.Global);
        if (this.found)
          await (this.found.file ? this.shorten(this.found.question) : this.askWorkspace(this.found.question));
        return;
      case "open":
        return this.open(deed.file, deed.from);
      case "copy":
        return this.copy();
      case "start":
        return this.attempt(() => this.server.start());
      case "stop":
        return this.server.stop();
    }
  }
  async open(file, line) {
    const uri = this.found?.file ?? this.uri(file);
    if (!uri) return;
    const at = new vscode4.Range(line - 1, 0, line - 1, 0);
    await vscode4.window.showTextDocument(uri, { selection: at, preview: true });
  }
  update() {
    let [whole2, sent] = [0, 0];
    for (const s of this.savings.values()) [whole2, sent] = [whole2 + s.whole, sent + Math.min(s.sent, s.whole)];
    const answers = this.savings.size;
    const state = this.settings.get("server", "") ? "on" : this.server.state;
    if (this.running) this.status.text = "$(loading~spin) Pith";
    else if (answers > 0) this.status.text = `$(circle-large-outline) Pith: ${count(whole2 - sent)} tokens saved`;
    else this.status.text = `$(circle-large-outline) Pith${state === "off" ? ": off" : ""}`;
    this.status.tooltip = `${answers} questions in this session: ${count(sent)} tokens in the place of ${count(whole2)}, which their files have whole. The local server is ${state}.`;
    this.view.update();
  }
  shown() {
    const chunks = [...this.found?.chunks ?? []].filter((c) => c.rank > 0).sort((a, b) => a.rank - b.rank);
    return {
      state: this.server.state,
      foreign: this.settings.get("server", "") !== "",
      busy: this.running !== void 0,
      question: this.question,
      budget: this.budget,
      summary: this.found?.summary ?? "",
      error: this.error,
      kept: chunks.filter((c) => c.decision !== "omitted").slice(0, MOST_ROWS).map(row),
      left: chunks.filter((c) => c.decision === "omitted").slice(0, MOST_ROWS).map(row)
    };
  }
};
function row(c) {
  return { file: c.file, name: c.name, from: c.start_line, to: c.end_line, why: c.why };
}
function summary(c) {
  return `${count(c.tokens)} of ${count(c.budget)} tokens; the files that they are from have ${count(c.whole_tokens)}. ${c.considered} of ${count(c.indexed)} files were ranked.`;
}
function count(n) {
  return n.toLocaleString("en");
}
function prompt(found) {
  const longest = Math.max(2, ...[...found.text.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return `${found.question}

This is the code that matters to it. A comment such as "... lines 3-18 omitted" stands for lines that were left out.

${fence}
${found.text.replace(/\n?$/, "\n")}${fence}
`;
}
var extension;
function activate(context) {
  extension = new Extension(context);
}
function deactivate() {
  return extension?.stop();
}
// Annotate the CommonJS export names for ESM import in node:
0 && (module.exports = {
  activate,
  deactivate
});
