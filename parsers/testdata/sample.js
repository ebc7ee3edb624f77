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
