"""Doc."""
import os
from a import (
    b,
)

X = [
    1,
    2,
]

@deco
class C(Base):
    """Doc."""

    x: int = 1

    @property
    async def f(self, a,
                b):  # c
        # first
        if a:
            pass  # t
            # after
        elif b:
            y = {
                "a": 1,
            }
        else:
            z()
        try:
            q()
        except E as e:
            r()
        finally:
            s()
        match a:
            case 1:
                t()
        with a as b:
            for i in x: foo()
        return foo(
            1,
            b=2,
        )
    # trailing

# doc of g
def g(): return 1


class Empty:
    """Has methods only."""

    def a(self):
        return 1

    def b(self): return 2


class OnlyMethods(Base):

    async def run(self):
        """Run.

        Until done.
        """
        async with self.lock:
            await self.step()
        text = """
def not_a_function():
    pass
"""
        total = sum(
            x
            for x in text
        )
        while total:
            total -= 1
        else:
            raise ValueError(f"bad {total!r}")
        return [
            # first
            1,
            2,
        ]

    counter = 0

    @staticmethod
    def last():
        # nothing but a comment and this
        pass


try:
    import json
except ImportError:
    json = None

if __name__ == "__main__":
    g()
