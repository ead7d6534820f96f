"""Numbers, times and names as tables show them."""

import math


def three_digits(value):
    """Returns `value`, which is not negative, with three digits that count: 0.123, 1.23, 12.3, 123, 1,230."""
    if value >= 999.5:
        unit = 10 ** (math.floor(math.log10(value)) - 2)
        return f"{round(value / unit) * unit:,}"
    decimals = 0 if value >= 99.95 else 1 if value >= 9.995 else 2 if value >= 0.9995 or value == 0 else 3
    return f"{value:.{decimals}f}"


def unit_of(nanoseconds):
    """Returns the unit that shows a time as a number from 1 to 999, as its name and its length."""
    for name, length in ("ns", 1), ("µs", 1e3), ("ms", 1e6):
        if nanoseconds / length < 999.5:
            return name, length
    return "s", 1e9


def time_text(nanoseconds):
    """Returns a time with its unit: "212 ns", "1.02 ms", "2.70 s"."""
    name, length = unit_of(nanoseconds)
    return f"{three_digits(nanoseconds / length)} {name}"


def against(time, baseline):
    """Returns how a time compares with the baseline's: "2.31× faster", "208× slower", "the same"."""
    times = max(time, baseline) / min(time, baseline)
    number = three_digits(times) if times < 1e6 else three_digits(times / 1e6) + " M"
    return "the same" if number == "1.00" else f"{number}× {'faster' if time < baseline else 'slower'}"


def printable(text):
    """Returns `text` without characters that would disturb a terminal or a picture."""
    return "".join(c if c.isprintable() else " " for c in text)


def shortened(text, most):
    """Returns `text`, or its beginning and an ellipsis if it has more than `most` characters."""
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"[:most]


def squeezed(text, most):
    """Returns `text`, or its beginning, an ellipsis and its end, where similar names differ: "ThreadPo…, 2 workers"."""
    if len(text) <= most or most < 12:
        return shortened(text, most)
    end = most // 2 + 1
    return text[: most - 1 - end] + "…" + text[-end:]


def styled(code, text, colour):
    """Returns `text` in a terminal's style number `code`: 1 is bold, 2 dim, 31 red, 32 green."""
    return f"\033[{code}m{text}\033[0m" if colour else text
