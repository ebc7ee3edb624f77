// Kept and dropped lines in the editors, with the reason on hover.
import * as vscode from "vscode";
import { Chunk } from "./pith";

type Lines = [number, number];

export class Marks implements vscode.Disposable {
  private readonly kept: vscode.TextEditorDecorationType;
  private readonly dropped = vscode.window.createTextEditorDecorationType({ isWholeLine: true, opacity: "0.45" });
  private readonly files = new Map<string, Chunk[]>();
  private readonly listeners = [
    vscode.window.onDidChangeVisibleTextEditors(() => this.draw()),
    vscode.workspace.onDidChangeTextDocument((e) => {
      // The lines are those of the text that was asked about.
      if (e.contentChanges.length > 0 && this.files.delete(e.document.uri.toString())) this.draw();
    }),
  ];

  constructor(media: vscode.Uri) {
    const bar = (theme: string) => ({ gutterIconPath: vscode.Uri.joinPath(media, `kept-${theme}.svg`) });
    this.kept = vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      gutterIconSize: "contain",
      dark: bar("dark"),
      light: bar("light"),
      overviewRulerColor: new vscode.ThemeColor("pith.kept"),
      overviewRulerLane: vscode.OverviewRulerLane.Left,
    });
  }

  /** Shows chunks of files in the place of what was shown. */
  show(files: Map<string, Chunk[]>): void {
    this.files.clear();
    for (const [uri, chunks] of files) this.files.set(uri, chunks);
    this.draw();
  }

  clear(): void {
    this.show(new Map());
  }

  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const chunks = this.files.get(editor.document.uri.toString()) ?? [];
      const kept: vscode.DecorationOptions[] = [];
      const dropped: vscode.DecorationOptions[] = [];
      if (!editor.document.isDirty || editor.document.isUntitled) {
        for (const chunk of chunks) {
          const hoverMessage = reason(chunk);
          const mark = ([from, to]: Lines) => ({ range: whole(editor.document, from, to), hoverMessage });
          kept.push(...chunk.kept_lines.map(mark));
          dropped.push(...others(chunk).map(mark));
        }
      }
      editor.setDecorations(this.kept, kept);
      editor.setDecorations(this.dropped, dropped);
    }
  }

  dispose(): void {
    for (const part of [this.kept, this.dropped, ...this.listeners]) part.dispose();
  }
}

/** The lines of a chunk that were not kept. */
function others(chunk: Chunk): Lines[] {
  const list: Lines[] = [];
  let from = chunk.start_line;
  for (const [first, last] of [...chunk.kept_lines, [chunk.end_line + 1, 0] as Lines]) {
    if (first > from) list.push([from, first - 1]);
    from = last + 1;
  }
  return list;
}

function whole(document: vscode.TextDocument, from: number, to: number): vscode.Range {
  const last = Math.min(to, document.lineCount) - 1;
  const first = Math.min(from - 1, last);
  return new vscode.Range(first, 0, last, document.lineAt(last).text.length);
}

/** The words of a hover. Names and reasons are text, never markup. */
function reason(chunk: Chunk): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  const decision = { kept: "kept", pruned: "cut inside", omitted: "left out" }[chunk.decision];
  text.appendMarkdown(`**Pith: ${decision}** `);
  text.appendMarkdown(plain([chunk.kind, chunk.name].filter(Boolean).join(" ")));
  text.appendMarkdown("\n\n" + plain(chunk.why));
  if (chunk.rank > 0) {
    const parts = chunk.parts
      .slice(0, 4)
      .map((p) => `${p.signal} ${p.value < 0 ? "−" : "+"}${Math.abs(p.value).toFixed(2)}`);
    const score = `rank ${chunk.rank}, ${chunk.tokens} tokens; score ${chunk.score.toFixed(2)}: ${parts.join(", ")}`;
    text.appendMarkdown("\n\n" + plain(score));
  }
  return text;
}

/** Text as Markdown that shows it as it is. */
function plain(text: string): string {
  return text
    .replace(/[\\`*_{}[\]()#+.!|~-]/g, "\\$&")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;");
}
