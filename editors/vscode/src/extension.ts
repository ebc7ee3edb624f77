// Pith in VS Code: the code that a question needs, what was left out, and why.
import * as vscode from "vscode";
import { Marks } from "./marks";
import { Chunk, Context } from "./pith";
import { Server } from "./server";
import { Deed, Row, Shown, View } from "./view";

/** What an answer saved, in tokens. */
interface Saving {
  whole: number;
  sent: number;
}

/** What was found last. */
interface Found {
  question: string;
  text: string;
  summary: string;
  chunks: Chunk[];
  /** The file that was shortened; absent where the workspace was asked. */
  file?: vscode.Uri;
}

const MOST_ROWS = 40;

class Extension {
  private readonly server = new Server();
  private readonly marks: Marks;
  private readonly status = vscode.window.createStatusBarItem("pith.status", vscode.StatusBarAlignment.Right, 90);
  private readonly view: View;
  /** Since the window was opened, by question: one that is asked again counts as it is now. */
  private readonly savings = new Map<string, Saving>();
  private question = "";
  private found: Found | undefined;
  private error = "";
  private running: AbortController | undefined;

  constructor(context: vscode.ExtensionContext) {
    const media = vscode.Uri.joinPath(context.extensionUri, "media");
    this.marks = new Marks(media);
    this.view = new View(
      media,
      () => this.shown(),
      (deed) => void this.act(deed),
    );
    const command = (name: string, run: () => unknown) => vscode.commands.registerCommand(`pith.${name}`, run);
    context.subscriptions.push(
      this.server,
      this.marks,
      this.status,
      this.server.onChange(() => this.update()),
      vscode.window.registerWebviewViewProvider("pith.view", this.view, {
        webviewOptions: { retainContextWhenHidden: true },
      }),
      command("ask", () => this.askInBox("What is the code wanted for?", (q) => this.askWorkspace(q))),
      command("shorten", () => this.askInBox("What is this file wanted for?", (q) => this.shorten(q))),
      command("copy", () => this.copy()),
      command("clear", () => this.clear()),
      command("start", () => this.attempt(() => this.server.start())),
      command("stop", () => this.server.stop()),
      vscode.workspace.onDidChangeConfiguration((e) => e.affectsConfiguration("pith") && this.update()),
    );
    this.status.name = "Pith";
    this.status.command = "pith.view.focus";
    this.update();
    this.status.show();
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  private get settings(): vscode.WorkspaceConfiguration {
    return vscode.workspace.getConfiguration("pith");
  }

  private get budget(): number {
    return this.settings.get("budget", 4000);
  }

  private async askInBox(prompt: string, run: (question: string) => Promise<void>): Promise<void> {
    const question = await vscode.window.showInputBox({
      title: "Pith",
      prompt,
      value: this.question,
      placeHolder: "How are idle connections closed?",
    });
    if (question?.trim()) await run(question.trim());
  }

  /** Runs one thing at a time; the next takes the place of the one before. Failures are shown. */
  private async attempt(run: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    this.running?.abort();
    const mine = (this.running = new AbortController());
    this.error = "";
    this.update();
    try {
      await run(mine.signal);
    } catch (error) {
      if (!mine.signal.aborted) {
        this.error = error instanceof Error ? error.message : String(error);
        void vscode.window.showErrorMessage(`Pith: ${this.error}`);
      }
    }
    if (this.running === mine) this.running = undefined;
    this.update();
  }

  private askWorkspace(question: string): Promise<void> {
    void vscode.commands.executeCommand("pith.view.focus");
    this.question = question;
    return this.attempt(async (signal) => {
      const pith = await this.server.start();
      const editor = vscode.window.activeTextEditor;
      const open =
        editor && this.server.folder && vscode.workspace.getWorkspaceFolder(editor.document.uri) === this.server.folder;
      const found = await pith.context(
        {
          question,
          budget: this.budget,
          ...(open && { open: editor.document.uri.fsPath, line: editor.selection.active.line + 1 }),
        },
        signal,
      );
      const account = await pith.explain(found.id, signal);
      signal.throwIfAborted();
      this.savings.set(question, { whole: found.whole_tokens, sent: found.tokens });
      this.show({ question, text: found.text, summary: summary(found), chunks: account.blocks[0]?.chunks ?? [] });
    });
  }

  private shorten(question: string): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    this.question = question;
    return this.attempt(async (signal) => {
      if (!document) throw new Error("open a file first");
      const pith = await this.server.start();
      const path = vscode.workspace.asRelativePath(document.uri, false);
      const version = document.version;
      const res = await pith.shorten(path, document.getText(), question, this.budget, signal);
      signal.throwIfAborted();
      this.savings.set(`${path}\n${question}`, { whole: res.original_tokens, sent: res.compressed_tokens });
      this.show({
        question,
        text: res.text,
        chunks: document.version === version ? (res.explained ?? []) : [],
        file: document.uri,
        summary: withNotes(
          `${count(res.compressed_tokens)} of the ${count(res.original_tokens)} tokens of ${path}.`,
          res.notes,
        ),
      });
    });
  }

  private show(found: Found): void {
    this.found = found;
    const files = new Map<string, Chunk[]>();
    for (const chunk of found.chunks) {
      const uri = found.file ?? this.uri(chunk.file);
      if (uri) files.set(uri.toString(), [...(files.get(uri.toString()) ?? []), chunk]);
    }
    this.marks.show(files);
  }

  private uri(file: string): vscode.Uri | undefined {
    return this.server.folder && vscode.Uri.joinPath(this.server.folder.uri, file);
  }

  private async copy(): Promise<void> {
    if (!this.found) {
      void vscode.window.showInformationMessage("Pith: ask for context first.");
      return;
    }
    await vscode.env.clipboard.writeText(prompt(this.found));
    vscode.window.setStatusBarMessage("Pith: the prompt is in the clipboard", 4000);
  }

  private clear(): void {
    this.found = undefined;
    this.question = this.error = "";
    this.marks.clear();
    this.update();
  }

  private async act(deed: Deed): Promise<void> {
    switch (deed.do) {
      case "ask":
        if (deed.question.trim()) await this.askWorkspace(deed.question.trim());
        return;
      case "budget":
        await this.settings.update("budget", deed.budget, vscode.ConfigurationTarget.Global);
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

  private async open(file: string, line: number): Promise<void> {
    const uri = this.found?.file ?? this.uri(file);
    if (!uri) return;
    const at = new vscode.Range(line - 1, 0, line - 1, 0);
    await vscode.window.showTextDocument(uri, { selection: at, preview: true });
  }

  private update(): void {
    let [whole, sent] = [0, 0];
    for (const s of this.savings.values()) [whole, sent] = [whole + s.whole, sent + Math.min(s.sent, s.whole)];
    const answers = this.savings.size;
    const state = this.settings.get("server", "") ? "on" : this.server.state;
    if (this.running) this.status.text = "$(loading~spin) Pith";
    else if (answers > 0) this.status.text = `$(circle-large-outline) Pith: ${count(whole - sent)} tokens saved`;
    else this.status.text = `$(circle-large-outline) Pith${state === "off" ? ": off" : ""}`;
    this.status.tooltip =
      `${answers} questions in this session: ${count(sent)} tokens in the place of ${count(whole)}, ` +
      `which their files have whole. ` +
      `The local server is ${state}.`;
    this.view.update();
  }

  private shown(): Shown {
    const chunks = [...(this.found?.chunks ?? [])].filter((c) => c.rank > 0).sort((a, b) => a.rank - b.rank);
    return {
      state: this.server.state,
      foreign: this.settings.get("server", "") !== "",
      busy: this.running !== undefined,
      question: this.question,
      budget: this.budget,
      summary: this.found?.summary ?? "",
      error: this.error,
      kept: chunks
        .filter((c) => c.decision !== "omitted")
        .slice(0, MOST_ROWS)
        .map(row),
      left: chunks
        .filter((c) => c.decision === "omitted")
        .slice(0, MOST_ROWS)
        .map(row),
    };
  }
}

function row(c: Chunk): Row {
  return { file: c.file, name: c.name, from: c.start_line, to: c.end_line, why: c.why };
}

function summary(c: Context): string {
  return withNotes(
    `${count(c.tokens)} of ${count(c.budget)} tokens; the files that they are from have ${count(c.whole_tokens)}. ` +
      `${c.considered} of ${count(c.indexed)} files were ranked.`,
    c.notes,
  );
}

/** A summary, and in what the answer is less than was asked for. */
function withNotes(summary: string, notes: string[] = []): string {
  return [summary, ...notes.map((note) => `Note: ${note}.`)].join(" ");
}

function count(n: number): string {
  return n.toLocaleString("en");
}

/** The question with its code, fenced by more backticks than the code has in a row. */
function prompt(found: Found): string {
  const longest = Math.max(2, ...[...found.text.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return (
    `${found.question}\n\nThis is the code that matters to it. ` +
    `A comment such as "... lines 3-18 omitted" stands for lines that were left out.\n\n` +
    `${fence}\n${found.text.replace(/\n?$/, "\n")}${fence}\n`
  );
}

let extension: Extension | undefined;

export function activate(context: vscode.ExtensionContext): void {
  extension = new Extension(context);
}

export function deactivate(): Promise<void> | undefined {
  return extension?.stop();
}
