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
