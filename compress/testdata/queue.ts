import { EventEmitter } from "node:events";

export interface Job<T> {
  id: string;
  payload: T;
  attempts: number;
}

export type Handler<T> = (job: Job<T>) => Promise<void>;

const MAX_ATTEMPTS = 5;

/** A queue that runs jobs one by one and retries those that fail. */
export class Queue<T> extends EventEmitter {
  private waiting: Job<T>[] = [];
  private running = false;

  constructor(private readonly handler: Handler<T>) {
    super();
  }

  add(id: string, payload: T): void {
    this.waiting.push({ id, payload, attempts: 0 });
    this.emit("added", id);
    void this.run();
  }

  private async run(): Promise<void> {
    if (this.running) {
      return;
    }
    this.running = true;
    try {
      for (let job = this.waiting.shift(); job; job = this.waiting.shift()) {
        await this.attempt(job);
      }
    } finally {
      this.running = false;
    }
  }

  private async attempt(job: Job<T>): Promise<void> {
    job.attempts++;
    try {
      await this.handler(job);
      this.emit("done", job.id);
    } catch (error) {
      if (job.attempts >= MAX_ATTEMPTS) {
        this.emit("failed", job.id, error);
        return;
      }
      // Failed jobs wait behind the others, and longer each time.
      const delay = backoff(job.attempts);
      setTimeout(() => {
        this.waiting.push(job);
        void this.run();
      }, delay);
    }
  }
}

export function backoff(attempts: number): number {
  const base = 100 * 2 ** attempts;
  const jitter = Math.random() * base;
  return Math.min(base + jitter, 30_000);
}

export const drain = async <T>(queue: Queue<T>, ids: Set<string>): Promise<void> => {
  await new Promise<void>((resolve) => {
    queue.on("done", (id: string) => {
      ids.delete(id);
      if (ids.size === 0) {
        resolve();
      }
    });
  });
};
