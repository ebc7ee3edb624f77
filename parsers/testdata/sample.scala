package a.b

import x.y
import z._

/** doc */
@anno
case class A(x: Int) extends B with C {
  val a = 1
  def f(a: Int): Int = {
    a match {
      case 1 => x()
      case 2 =>
        y()
        z()
      case _ =>
    }
    if (a) {
      x()
    } else {
      y()
    }
    for {
      x <- y
      z <- w
    } yield {
      q()
    }
    try { a() } catch {
      case e: E =>
        b()
    }
    list.map { x =>
      y(x)
      z
    }
    1
  }
  def g = 1
}
object O extends App {
  def h(): Unit = {
    x()
  }
}
trait T {
  def f: Int
}
object S3:
  def f(x: Int): Int =
    val y = 1
    y + x
  end f
enum E:
  case A, B
def top() = 1
