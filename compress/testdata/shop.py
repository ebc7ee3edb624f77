"""Orders of a small shop: stock, prices, refunds."""

import datetime
import decimal
import logging
from collections import defaultdict

log = logging.getLogger(__name__)

TAX = decimal.Decimal("0.19")
REFUND_DAYS = 30


class OutOfStock(Exception):
    """Raised when an order asks for more than there is."""


class Inventory:
    """Counts what is on the shelves."""

    def __init__(self, levels=None):
        self.levels = defaultdict(int)
        for name, count in (levels or {}).items():
            self.levels[name] = count

    def take(self, name, count):
        """Takes count pieces off the shelf."""
        if count <= 0:
            raise ValueError("count must be positive")
        if self.levels[name] < count:
            log.warning("only %d of %s left", self.levels[name], name)
            raise OutOfStock(name)
        self.levels[name] -= count
        return self.levels[name]

    def put_back(self, name, count):
        self.levels[name] += count
        log.info("%d of %s put back", count, name)


class Order:
    def __init__(self, customer, lines, placed=None):
        self.customer = customer
        self.lines = list(lines)
        self.placed = placed or datetime.date.today()
        self.refunded = False

    def net(self):
        total = decimal.Decimal(0)
        for name, count, price in self.lines:
            total += count * price
        return total

    def gross(self):
        # The tax office wants two digits, rounded half up.
        amount = self.net() * (1 + TAX)
        return amount.quantize(decimal.Decimal("0.01"), decimal.ROUND_HALF_UP)


def place(order, inventory):
    """Takes all lines of the order from the inventory, or none of them."""
    taken = []
    try:
        for name, count, _ in order.lines:
            inventory.take(name, count)
            taken.append((name, count))
    except OutOfStock:
        for name, count in taken:
            inventory.put_back(name, count)
        raise

    log.info("order of %s placed: %s", order.customer, order.gross())
    return order


def refund(order, inventory, today=None):
    """Pays an order back and returns its goods to the shelves.

    An order can be refunded once, within REFUND_DAYS days.
    """
    today = today or datetime.date.today()
    if order.refunded:
        raise ValueError("already refunded")
    age = (today - order.placed).days
    if age > REFUND_DAYS:
        raise ValueError(f"order is {age} days old")

    for name, count, _ in order.lines:
        inventory.put_back(name, count)
    order.refunded = True

    amount = order.gross()
    log.info("refunded %s to %s", amount, order.customer)
    return amount


@staticmethod
def report(orders):
    by_customer = defaultdict(decimal.Decimal)
    for order in orders:
        if order.refunded:
            continue
        by_customer[order.customer] += order.gross()
    lines = []
    for customer in sorted(by_customer):
        lines.append(f"{customer:20} {by_customer[customer]:>10}")
    return "\n".join(lines)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    stock = Inventory({"lamp": 3, "desk": 1})
    first = place(Order("Ada", [("lamp", 2, decimal.Decimal("19.90"))]), stock)
    print(refund(first, stock))
    print(report([first]))
