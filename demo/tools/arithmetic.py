"""Exact arithmetic on fractions, from text that is parsed and walked, never evaluated."""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction

MAX_EXPRESSION = 500
# About 3,900 decimal digits: below the length from which Python refuses to write an integer as text.
MAX_BITS = 13_000
MAX_DIGITS = int(MAX_BITS * math.log10(2))
MAX_FACTORIAL = 1_000
APPROXIMATE_DIGITS = 30
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**"})
_EXPONENT = re.compile(r"[eE]([+-]?\d+)$")


class ExpressionError(ValueError):
    """The expression cannot be worked out; the message says why and what would work."""


def calculate(expression: str) -> Fraction:
    """The exact value of an expression of numbers, `+ - * / // % **` (or `^`), brackets and a few functions."""
    if len(expression) > MAX_EXPRESSION:
        raise ExpressionError(
            f"the expression has {len(expression)} characters; at most {MAX_EXPRESSION} are worked out"
        )
    text = expression.strip().translate(_SIGNS)
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{expression!r} is not an arithmetic expression, such as (2 + 3) * 4.5 / 7") from None
    return _value(tree.body, text)


def _value(node: ast.expr, text: str) -> Fraction:
    if isinstance(node, ast.Constant):
        return _bounded(_number(node, text))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _UNARY[type(node.op)](_value(node.operand, text))
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _bounded(_BINARY[type(node.op)](_value(node.left, text), _value(node.right, text)))
    if isinstance(node, ast.Call):
        return _bounded(_call(node, text))
    raise ExpressionError(
        f"{_source(node, text)!r} is not arithmetic: use numbers, + - * / // % **, brackets and {_FUNCTION_LIST}"
    )


def _number(node: ast.Constant, text: str) -> Fraction:
    # The text of a decimal is read, not the float that Python made of it: 0.1 is a tenth here.
    literal = _source(node, text).replace("_", "")
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise ExpressionError(f"{literal!r} is not a number")
    if isinstance(node.value, int):
        return Fraction(node.value)
    exponent = _EXPONENT.search(literal)
    if exponent and abs(int(exponent[1])) > MAX_BITS // 4:
        raise ExpressionError(f"{literal} is too large or too small; exponents go to {MAX_BITS // 4}")
    return Fraction(literal)


def _call(node: ast.Call, text: str) -> Fraction:
    name = node.func.id if isinstance(node.func, ast.Name) else _source(node.func, text)
    if name not in _FUNCTIONS or node.keywords:
        raise ExpressionError(f"{name!r} is not known; the functions are {_FUNCTION_LIST}")
    try:
        return _FUNCTIONS[name](*[_value(argument, text) for argument in node.args])
    except TypeError:
        raise ExpressionError(f"{name} does not take {len(node.args)} values") from None


def _source(node: ast.expr, text: str) -> str:
    return ast.get_source_segment(text, node) or ""


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise ExpressionError(f"a result has more than {MAX_DIGITS} digits, which is the limit")
    return value


def _whole(value: Fraction, what: str) -> int:
    if value.denominator != 1:
        raise ExpressionError(f"{what} must be a whole number, not {show(value)}")
    return value.numerator


def _divide(by: Callable[[Fraction, Fraction], Fraction | int]) -> Callable[[Fraction, Fraction], Fraction]:
    def divide(left: Fraction, right: Fraction) -> Fraction:
        if right == 0:
            raise ExpressionError("division by zero")
        return Fraction(by(left, right))

    return divide


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    power = _whole(exponent, "an exponent")
    if base == 0 and power < 0:
        raise ExpressionError("division by zero: 0 to a negative power")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    # One bit stays one bit, however often 1 or -1 is multiplied by itself.
    if (bits - 1) * abs(power) > MAX_BITS:
        raise ExpressionError(f"{show(base)} ** {power} has more than {MAX_DIGITS} digits, which is the limit")
    return Fraction(base**power)


def _square_root(value: Fraction) -> Fraction:
    if value < 0:
        raise ExpressionError("sqrt of a negative number")
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Fraction(top, bottom)
    with localcontext(prec=APPROXIMATE_DIGITS):
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def _factorial(value: Fraction) -> Fraction:
    number = _whole(value, "factorial's value")
    if not 0 <= number <= MAX_FACTORIAL:
        raise ExpressionError(f"factorial takes 0 to {MAX_FACTORIAL}, not {number}")
    return Fraction(math.factorial(number))


def _round(value: Fraction, digits: Fraction = Fraction(0)) -> Fraction:
    places = _whole(digits, "round's number of digits")
    if abs(places) > APPROXIMATE_DIGITS:
        raise ExpressionError(f"round takes at most {APPROXIMATE_DIGITS} digits, not {places}")
    return Fraction(round(value, places))


def _of_whole(function: Callable[..., int], name: str) -> Callable[..., Fraction]:
    return lambda *values: Fraction(function(*[_whole(value, f"each value of {name}") for value in values]))


_UNARY: Mapping[type[ast.unaryop], Callable[[Fraction], Fraction]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_BINARY: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide(operator.truediv),
    ast.FloorDiv: _divide(operator.floordiv),
    ast.Mod: _divide(operator.mod),
    ast.Pow: _power,
}
_FUNCTIONS: Mapping[str, Callable[..., Fraction]] = {
    "abs": abs,
    "min": lambda first, *rest: min([first, *rest]),
    "max": lambda first, *rest: max([first, *rest]),
    "round": _round,
    "floor": lambda value: Fraction(math.floor(value)),
    "ceil": lambda value: Fraction(math.ceil(value)),
    "sqrt": _square_root,
    "factorial": _factorial,
    "gcd": _of_whole(math.gcd, "gcd"),
    "lcm": _of_whole(math.lcm, "lcm"),
}
_FUNCTION_LIST = ", ".join(_FUNCTIONS)


def show(value: Fraction) -> str:
    """An exact decimal where there is one, else the fraction with an approximation behind it."""
    if value.denominator == 1:
        return str(value.numerator)
    places = _decimal_places(value.denominator)
    if places is not None:
        digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
        return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
    return f"{value.numerator}/{value.denominator} (about {approximate(value)})"


def approximate(value: Fraction, digits: int = 15) -> str:
    """The value as a decimal of `digits` significant digits, without trailing zeros."""
    with localcontext(prec=digits):
        return f"{(Decimal(value.numerator) / Decimal(value.denominator)).normalize():f}"


def _decimal_places(denominator: int) -> int | None:
    """How many places the decimal has, or None if it never ends or is longer than is useful."""
    twos = (denominator & -denominator).bit_length() - 1
    rest, fives = denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    return places if rest == 1 and places <= 2 * APPROXIMATE_DIGITS else None
