@file:JvmName("x")
package a.b

import x.y
import z.*

/** doc */
@Anno
data class A(val x: Int) : B(), C {
    val a: Int = 1
    var b: Int
        get() = 1
        set(value) {
            x()
        }
    init {
        y()
    }
    constructor() : this(1) {
        z()
    }
    @Anno
    override fun f(a: Int): Int {
        when (a) {
            1 -> x()
            2 -> {
                y()
            }
            else -> z()
        }
        if (a) {
            x()
        } else {
            y()
        }
        list.map { x ->
            y(x)
            z
        }
        try {
            a()
        } catch (e: E) {
            b()
        }
        return 1
    }
    fun g() = 1
    companion object {
        const val X = 1
        fun h() { }
    }
}
enum class E {
    A,
    B;
    fun x() { }
}
interface I {
    fun f()
}
object O {
    fun f() { }
}
fun String.ext(): Int = 1
fun top() {
    x()
}

/** A cache with an age limit. */
class Cache<K, V>(private val limit: Int) where K : Any {
    private val entries = mutableMapOf<K, V>()

    // newest first
    private val order = listOf(
        1,
        2,
    )

    fun get(key: K): V? {
        val found = entries[key] ?: return null
        for ((k, v) in entries) {
            if (k == key) {
                touch(v)
                continue
            }
            drop(k)
        }
        while (order.isEmpty()) {
            refill()
        }
        val text = """
            raw ${found}
        """.trimIndent()
        return found.also {
            log(it)
        }
    }

    private inner class Entry {
        fun age(): Long = now() - made
    }
}

sealed interface Result {
    data class Ok(val value: Int) : Result
    object Failed : Result
}
