"""Heights of the tide by the rule of twelfths."""

import math

TWELFTHS = [0, 1, 3, 6, 9, 11, 12]


def height_at(low, high, hours):
    """Estimates the water level some hours after low water by the rule of twelfths."""
    hours = max(0.0, min(6.0, hours))
    whole = int(hours)
    if whole == 6:
        return high
    part = hours - whole
    share = TWELFTHS[whole] + part * (TWELFTHS[whole + 1] - TWELFTHS[whole])
    return low + (high - low) * share / 12


def first_passage(low, high, needed, step=0.25):
    """Finds the earliest moment at which a bar with a given needed level can be crossed."""
    hours = 0.0
    while hours <= 6:
        if height_at(low, high, hours) >= needed:
            return hours
        hours += step
    return None


def is_spring(moon_age):
    """Decides from the age of the moon whether the range is near its largest."""
    phase = moon_age % 14.77
    distance = min(phase, 14.77 - phase)
    return distance < 2.0


def parse_table(text):
    """Reads lines such as 06:12 0.8 into pairs of minutes and metres, skipping remarks."""
    rows = []
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        clock, metres = line.split()
        hour, minute = clock.split(":")
        rows.append((int(hour) * 60 + int(minute), float(metres)))
    return rows


def smooth(levels, width=3):
    """Replaces each gauge reading by the mean of its neighbourhood to take out waves."""
    out = []
    for i in range(len(levels)):
        window = levels[max(0, i - width): i + width + 1]
        out.append(sum(window) / len(window))
    return out


def current_speed(volume, width, depth):
    """Computes how fast water must run through a narrow entrance, in knots."""
    area = width * depth
    if area <= 0:
        return math.inf
    metres_per_second = volume / area
    return metres_per_second * 1.943844
