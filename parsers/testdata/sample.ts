import type { A } from 'b';
export interface I<T> extends J {
  a: string;
  f(x: number): void;
}
export enum E {
  A,
  B = 2,
}
type U =
  | 'a'
  | 'b';
export type O = {
  a: string,
  b?: number
}
declare module 'x' {
  export function f(): void;
}
namespace N {
  export function g() {
    x();
  }
}
@Component({
  selector: 'x',
})
export class C {
  @Input() a: string;
  constructor(private x: X) {
    y();
  }
  @HostListener('x')
  onX(): void {
    z();
  }
  abs?: () => void = () => {
    q();
  };
}
abstract class D {
  abstract f(): void;
  g(): void { }
}
function over(a: string): void;
function over(a: any) { }
declare const foo: string;
export = foo;

export default class Store<K extends string, V = unknown> implements Map<K> {
  private readonly items = new Map<K, V>()
  static #count = 0

  /** Number of items. */
  get size(): number {
    return this.items.size
  }

  async load(key: K): Promise<V | undefined> {
    const value = this.items.get(key) as V
    if (!value) {
      throw new Error(`no ${key}`)
    } else {
      log(value!)
    }
    switch (key) {
      case 'a': {
        return value
      }
      default:
        return undefined
    }
  }

  protected map<T>(f: (v: V) => T): T[] {
    return [...this.items.values()].map((v) => {
      return f(v)
    })
  }
}

const options: Options = {
  depth: 1,
  visit: (n: Node) => {
    n.seen = true
  },
}

export async function main(args: string[]): Promise<void> {
  for await (const a of read(args)) {
    print(a)
  }
}

export type Mapped<T> = {
  readonly [P in keyof T]?: T[P]
}
export { main as run, type Options }
