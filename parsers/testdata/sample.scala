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

/** A bank account. */
final class Account(val owner: String, private var balance: BigDecimal) {
  require(balance >= 0)

  // in cents
  private val fees = Seq(
    1,
    2
  )

  def deposit(amount: BigDecimal): Account = {
    if (amount <= 0) {
      throw new IllegalArgumentException("amount")
    }
    balance += amount
    fees.foreach { fee =>
      balance -= fee
      log(fee)
    }
    var i = 0
    while (i < 3) {
      i += 1
    }
    this
  }

  def describe: String =
    s"$owner has $balance"
}

object Account {
  implicit val ordering: Ordering[Account] = Ordering.by(_.owner)

  def apply(owner: String): Account = new Account(owner, 0)

  private def parse(text: String): Option[Int] = text match {
    case "" => None
    case other =>
      Some(other.toInt)
  }
}
