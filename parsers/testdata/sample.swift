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

/// Keeps the newest items.
final class Recent<T: Hashable> {
    private var items: [T] = []
    private let limit: Int
    weak var delegate: RecentDelegate?

    var count: Int { items.count }

    init(limit: Int) {
        self.limit = limit
        super.init()
    }

    // Adds one.
    func add(_ item: T, at index: Int = 0) {
        if let old = items.firstIndex(of: item) {
            items.remove(at: old)
        } else if items.count >= limit {
            items.removeLast()
        }
        items.insert(item, at: index)
        for i in items where i != item {
            print(i)
        }
        while items.count > limit {
            items.removeLast()
        }
        let names = items.map { "\($0)" }
        let table = [
            "a": 1,
            "b": 2,
        ]
        delegate?.changed(names, table)
    }
}

enum Failure: Error {
    case late(by: Int)
    case lost
}
