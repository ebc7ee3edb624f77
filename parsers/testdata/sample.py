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
