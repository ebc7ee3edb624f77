// The view in the side bar: the question, the budget, what was kept and what was left out.
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

/** What the view shows. */
export interface Shown {
  state: "off" | "starting" | "on";
  /** Another's server, which is not ours to stop. */
  foreign: boolean;
  busy: boolean;
  question: string;
  budget: number;
  summary: string;
  error: string;
  kept: Row[];
  left: Row[];
}

export interface Row {
  file: string;
  name: string;
  from: number;
  to: number;
  why: string;
}

/** What a person does in the view. */
export type Deed =
  | { do: "ready" | "copy" | "start" | "stop" }
  | { do: "ask"; question: string }
  | { do: "budget"; budget: number }
  | { do: "open"; file: string; from: number };

export class View implements vscode.WebviewViewProvider {
  private view: vscode.WebviewView | undefined;

  constructor(
    private readonly media: vscode.Uri,
    private readonly shown: () => Shown,
    private readonly act: (deed: Deed) => void,
  ) {}

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    view.webview.options = { enableScripts: true, localResourceRoots: [this.media] };
    view.webview.onDidReceiveMessage((deed: Deed) => (deed.do === "ready" ? this.update() : this.act(deed)));
    view.onDidDispose(() => (this.view = undefined));
    view.webview.html = this.page(view.webview);
  }

  update(): void {
    void this.view?.webview.postMessage(this.shown());
  }

  private page(webview: vscode.Webview): string {
    const nonce = randomBytes(16).toString("base64url");
    const file = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(this.media, name));
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
}
