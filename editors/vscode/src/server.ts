// The local server: `pith serve` as a child process, or a Pith that runs already.
import { ChildProcess, spawn } from "node:child_process";
import * as vscode from "vscode";
import { Pith } from "./pith";

export type State = "off" | "starting" | "on";

const LONGEST_START_MS = 90_000;
const LONGEST_END_MS = 5_000;

export class Server implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly log = vscode.window.createOutputChannel("Pith");
  private child: ChildProcess | undefined;
  private starting: Promise<Pith> | undefined;
  private pith: Pith | undefined;

  readonly onChange = this.changed.event;

  get state(): State {
    if (this.pith) return "on";
    return this.starting ? "starting" : "off";
  }

  /** The folder that is asked about: the first of the workspace. */
  get folder(): vscode.WorkspaceFolder | undefined {
    return vscode.workspace.workspaceFolders?.[0];
  }

  /** The running server; one is started where none runs. */
  start(): Promise<Pith> {
    const address = vscode.workspace.getConfiguration("pith").get("server", "").trim();
    if (address) return Promise.resolve().then(() => new Pith(address));
    if (this.pith) return Promise.resolve(this.pith);
    this.starting ??= this.run().finally(() => {
      this.starting = undefined;
      this.changed.fire();
    });
    this.changed.fire();
    return this.starting;
  }

  private run(): Promise<Pith> {
    const folder = this.folder;
    if (!folder) return Promise.reject(new Error("open a folder first: Pith finds code in it"));
    const command = vscode.workspace.getConfiguration("pith").get("command", "pith");
    const env = { ...process.env, PITH_WORKSPACE: folder.uri.fsPath };
    const child = spawn(command, ["serve", "--listen", "127.0.0.1:0"], { env, stdio: ["ignore", "ignore", "pipe"] });
    this.child = child;
    return new Promise((resolve, reject) => {
      let said = "";
      const late = setTimeout(() => {
        child.kill();
        reject(new Error("pith serve did not listen in time; its output is in the channel Pith"));
      }, LONGEST_START_MS);
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        this.log.append(text);
        if (this.pith || this.child !== child) return;
        const address = /msg=serving .*?addr="?([\d.:[\]]+)/.exec((said += text))?.[1];
        if (address) {
          clearTimeout(late);
          this.pith = new Pith(`http://${address}`);
          resolve(this.pith);
        }
      });
      child.on("error", (error: NodeJS.ErrnoException) => {
        clearTimeout(late);
        const missing = `${command} was not found: install Pith, or name the program in the setting pith.command`;
        reject(error.code === "ENOENT" ? new Error(missing) : error);
        this.ended(child);
      });
      child.on("exit", (status, signal) => {
        clearTimeout(late);
        const last = said.trim().split("\n").at(-1);
        reject(new Error(`pith serve ended (${signal ?? status}): ${last}`)); // of no effect once it had listened
        this.ended(child);
      });
    });
  }

  private ended(child: ChildProcess): void {
    if (this.child !== child) return;
    this.child = undefined;
    this.pith = undefined;
    this.changed.fire();
  }

  /** Ends the server, if it is ours, and waits for that. */
  async stop(): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), LONGEST_END_MS);
    await gone;
    clearTimeout(hard);
  }

  dispose(): void {
    this.child?.kill("SIGTERM");
    this.log.dispose();
    this.changed.dispose();
  }
}
