import Foundation
/// doc
@objc
public class A: B, C {
    let x: Int = 1
    var y: Int {
        get { return 1 }
        set {
            x()
        }
    }
    init(a: Int) {
        self.a = a
    }
    deinit { x() }
    @discardableResult
    func f(_ a: Int) throws -> Int {
        switch a {
        case 1:
            x()
        case 2, 3:
            y()
        default:
            break
        }
        guard let x = y else {
            return 1
        }
        if a { x() } else {
            y()
        }
        foo { x in
            y(x)
            z()
        }
        let arr = [
            1,
            2,
        ]
        do {
            try x()
        } catch {
            y()
        }
        return 1
    }
    subscript(i: Int) -> Int { return 1 }
}
extension A: D {
    func g() { }
}
struct S { var a: Int }
enum E: String {
    case a
    case b = "x"
    func x() { }
}
protocol P {
    func f()
    var x: Int { get }
}
func top() {
    x()
}
#if DEBUG
func dbg() { }
#endif
