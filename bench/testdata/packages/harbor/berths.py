"""Berths of a small harbour and the ships that lie there."""

from dataclasses import dataclass, field


@dataclass
class Ship:
    name: str
    length: float
    draught: float
    cargo: dict = field(default_factory=dict)


@dataclass
class Berth:
    number: int
    length: float
    depth: float
    ship: Ship = None


class Harbour:
    def __init__(self, berths):
        self.berths = list(berths)
        self.roads = []

    def fits(self, ship, berth):
        """Tells whether the water is deep enough and the quay long enough."""
        clearance = 0.5
        if berth.depth < ship.draught + clearance:
            return False
        return berth.length >= ship.length

    def moor(self, ship):
        """Puts a vessel at the tightest free quay, or sends it to wait at anchor."""
        free = [b for b in self.berths if b.ship is None and self.fits(ship, b)]
        if not free:
            self.roads.append(ship)
            return None
        best = min(free, key=lambda b: b.length - ship.length)
        best.ship = ship
        return best.number

    def cast_off(self, number):
        """Frees a quay and lets the first waiting vessel that suits it come in."""
        berth = next(b for b in self.berths if b.number == number)
        leaving, berth.ship = berth.ship, None
        for waiting in list(self.roads):
            if self.fits(waiting, berth):
                self.roads.remove(waiting)
                berth.ship = waiting
                break
        return leaving

    def occupancy(self):
        """Gives the share of quays that are taken at this moment."""
        if not self.berths:
            return 0.0
        taken = sum(1 for b in self.berths if b.ship is not None)
        return taken / len(self.berths)

    def manifest(self):
        """Adds up what all moored vessels carry, by kind of goods."""
        total = {}
        for berth in self.berths:
            if berth.ship is None:
                continue
            for goods, tons in berth.ship.cargo.items():
                total[goods] = total.get(goods, 0) + tons
        return total
