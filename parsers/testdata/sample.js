'use strict'
import a from 'b';
const x = require('y');
/** doc */
export default class A extends B {
  #p = 1;
  static { init(); }
  @deco
  get foo() { return 1 }
  bar = () => {
    x()
  }
}
export const f = async (a) => {
  switch (a) {
    case 1:
      g();
      break;
    default:
      h()
  }
  return {
    a: 1,
    b() {
      x()
    },
    c: function () {
    },
  }
}
module.exports.z = function z() {
  if (a) { b() } else {
    c()
  }
}
describe('x', function () {
  it('y', () => {
    t()
  })
})
@dec
class Q {}
export { a, b } from 'c'

/**
 * Adds.
 * @param {number} a
 */
function add(a, b = 1, ...rest) {
  const { x, y: [z] } = a
  const text = `line
  ${rest.map((r) => {
    return r + 1
  }).join(',')}
`
  for (const r of rest) {
    if (r > 1) continue
    total += r
  }
  try {
    risky()
  } catch {
    recover()
  } finally {
    done()
  }
  label: while (true) {
    break label
  }
  return a
}

const table = [
  { id: 1, name: 'one' },
  { id: 2,
    name: 'two' },
  ...others
]

let late = 1
;[1, 2].forEach(console.log)

function* gen() {
  yield 1
  yield* other()
}

export const Shape = class extends Base {
  constructor() {
    super()
    this.x = 1
  }
}
