// What Pith answers, and how it is asked: over HTTP, on this machine alone.
import * as http from "node:http";

/** What became of one chunk of a file, and why. */
export interface Chunk {
  file: string;
  kind: string;
  name: string;
  start_line: number;
  end_line: number;
  rank: number;
  score: number;
  parts: { signal: string; value: number }[];
  tokens: number;
  decision: "kept" | "pruned" | "omitted";
  kept_lines: [number, number][];
  why: string;
}

/** The code that a question needs. */
export interface Context {
  id: string;
  question: string;
  text: string;
  tokens: number;
  budget: number;
  whole_tokens: number;
  considered: number;
  indexed: number;
  /** In what it is less than was asked for. */
  notes?: string[];
}

export interface Account {
  blocks: { chunks: Chunk[] }[];
}

export interface Shortened {
  original_tokens: number;
  compressed_tokens: number;
  budget: number;
  text: string;
  explained?: Chunk[];
  notes?: string[];
}

export interface Question {
  question: string;
  open?: string;
  line?: number;
  budget: number;
}

const LONGEST_ANSWER = 64 << 20;
const LONGEST_WAIT_MS = 120_000;

/** A Pith that listens at an address of this machine. */
export class Pith {
  readonly address: URL;

  constructor(address: string) {
    this.address = new URL(address);
    if (this.address.protocol !== "http:" || !isThisMachine(this.address.hostname)) {
      throw new Error(`${address} is not an http address of this machine: the code of the workspace stays here`);
    }
  }

  context(q: Question, signal?: AbortSignal): Promise<Context> {
    return this.ask("POST", "/pith/v1/context", q, signal);
  }

  explain(id: string, signal?: AbortSignal): Promise<Account> {
    return this.ask("GET", `/pith/v1/explain/${encodeURIComponent(id)}`, undefined, signal);
  }

  shorten(path: string, content: string, query: string, budget: number, signal?: AbortSignal): Promise<Shortened> {
    return this.ask("POST", "/pith/v1/compress", { files: [{ path, content }], query, budget, explain: true }, signal);
  }

  private ask<Answer>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = http.request(
        new URL(path, this.address),
        {
          method,
          signal,
          timeout: LONGEST_WAIT_MS,
          headers: text === undefined ? {} : { "Content-Type": "application/json" },
        },
        (response) => {
          const parts: Buffer[] = [];
          let size = 0;
          response.on("data", (part: Buffer) => {
            parts.push(part);
            if ((size += part.length) > LONGEST_ANSWER) request.destroy(new Error("the answer is too long"));
          });
          response.on("error", reject);
          response.on("end", () => {
            try {
              resolve(read<Answer>(response.statusCode ?? 0, Buffer.concat(parts).toString("utf8")));
            } catch (error) {
              reject(error);
            }
          });
        },
      );
      request.on("timeout", () => request.destroy(new Error("Pith did not answer in time")));
      request.on("error", reject);
      request.end(text);
    });
  }
}

function read<Answer>(status: number, text: string): Answer {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`Pith answered ${status} without JSON`);
  }
  if (status !== 200) {
    throw new Error((answer as { error?: { message?: string } }).error?.message ?? `Pith answered ${status}`);
  }
  return answer as Answer;
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
