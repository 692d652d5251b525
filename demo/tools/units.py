"""Unit conversion with exact factors: the definitions of the SI brochure and of NIST Special Publication 811."""

from fractions import Fraction
from typing import NamedTuple


class UnitError(ValueError):
    """A unit that is not known, or two that do not measure the same thing."""


class Unit(NamedTuple):
    """`value * factor + offset` is the value in the base unit of the quantity."""

    quantity: str
    factor: Fraction
    offset: Fraction = Fraction(0)


# Per quantity: the factor to its base unit, then the names. The first name is the one that is shown in lists.
_TABLE: dict[str, list[tuple[str, str]]] = {
    "length": [
        ("1", "m metre metres meter meters"),
        ("1e-9", "nm nanometre nanometer nanometers"),
        ("1e-6", "um µm micrometre micrometer micrometers"),
        ("0.001", "mm millimetre millimetres millimeter millimeters"),
        ("0.01", "cm centimetre centimetres centimeter centimeters"),
        ("1000", "km kilometre kilometres kilometer kilometers"),
        ("0.0254", "in inch inches"),
        ("0.3048", "ft foot feet"),
        ("0.9144", "yd yard yards"),
        ("1609.344", "mi mile miles"),
        ("1852", "nmi nautical_mile nautical_miles"),
    ],
    "mass": [
        ("1", "kg kilogram kilograms"),
        ("1e-6", "mg milligram milligrams"),
        ("0.001", "g gram grams"),
        ("1000", "t tonne tonnes"),
        ("0.45359237", "lb lbs pound pounds"),
        ("0.028349523125", "oz ounce ounces"),
        ("6.35029318", "st stone"),
        ("907.18474", "short_ton short_tons"),
    ],
    "time": [
        ("1", "s sec second seconds"),
        ("0.001", "ms millisecond milliseconds"),
        ("60", "min minute minutes"),
        ("3600", "h hr hour hours"),
        ("86400", "d day days"),
        ("604800", "week weeks"),
    ],
    "volume": [
        ("1", "l litre litres liter liters"),
        ("0.001", "ml millilitre millilitres milliliter milliliters"),
        ("1000", "m3 m³ cubic_metre cubic_metres cubic_meter cubic_meters"),
        ("3.785411784", "gal gallon gallons us_gallon us_gallons"),
        ("4.54609", "imperial_gallon imperial_gallons"),
        ("0.473176473", "pt pint pints us_pint"),
        ("0.2365882365", "cup cups"),
        ("0.0295735295625", "fl_oz fluid_ounce fluid_ounces"),
    ],
    "area": [
        ("1", "m2 m² square_metre square_metres square_meter square_meters"),
        ("1000000", "km2 km² square_kilometre square_kilometer square_kilometers"),
        ("10000", "ha hectare hectares"),
        ("0.09290304", "ft2 ft² square_foot square_feet"),
        ("4046.8564224", "acre acres"),
        ("2589988.110336", "mi2 mi² square_mile square_miles"),
    ],
    "speed": [
        ("1", "m/s mps"),
        ("5/18", "km/h kmh kph"),
        ("0.44704", "mph mi/h"),
        ("463/900", "kn knot knots"),
        ("0.3048", "ft/s fps"),
    ],
    "pressure": [
        ("1", "pa pascal pascals"),
        ("1000", "kpa kilopascal kilopascals"),
        ("100000", "bar bars"),
        ("101325", "atm atmosphere atmospheres"),
        ("44482216152605/6451600000", "psi"),
    ],
    "energy": [
        ("1", "j joule joules"),
        ("1000", "kj kilojoule kilojoules"),
        ("3600000", "kwh kilowatt_hour kilowatt_hours"),
        ("4.184", "cal calorie calories"),
        ("4184", "kcal kilocalorie kilocalories"),
    ],
    "power": [("1", "w watt watts"), ("1000", "kw kilowatt kilowatts"), ("745.69987158227022", "hp horsepower")],
    "data": [
        ("1", "byte bytes"),
        ("1/8", "bit bits"),
        ("1000", "kb kilobyte kilobytes"),
        ("1e6", "mb megabyte megabytes"),
        ("1e9", "gb gigabyte gigabytes"),
        ("1e12", "tb terabyte terabytes"),
        ("1024", "kib kibibyte kibibytes"),
        ("1048576", "mib mebibyte mebibytes"),
        ("1073741824", "gib gibibyte gibibytes"),
        ("1099511627776", "tib tebibyte tebibytes"),
    ],
}
_TEMPERATURES = {
    "k kelvin": Unit("temperature", Fraction(1)),
    "c °c celsius": Unit("temperature", Fraction(1), Fraction("273.15")),
    "f °f fahrenheit": Unit("temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
}


def _units() -> dict[str, Unit]:
    rows = [(names, Unit(quantity, Fraction(factor))) for quantity, table in _TABLE.items() for factor, names in table]
    return {name: unit for names, unit in [*rows, *_TEMPERATURES.items()] for name in names.split()}


UNITS = _units()


def convert(value: Fraction, from_unit: str, to_unit: str) -> Fraction:
    """The exact value in the other unit."""
    source, target = find(from_unit), find(to_unit)
    if source.quantity != target.quantity:
        raise UnitError(
            f"{from_unit} measures {source.quantity} and {to_unit} measures {target.quantity}: they do not convert"
        )
    return (value * source.factor + source.offset - target.offset) / target.factor


def find(name: str) -> Unit:
    """The unit of that name, in any case, with blanks or underscores."""
    unit = UNITS.get(name.strip().lower().replace(" ", "_"))
    if unit is None:
        raise UnitError(f"{name!r} is not a known unit; known are {listing()}")
    return unit


def listing() -> str:
    """Every unit's short name, by quantity."""
    table = {quantity: [names.split()[0] for _, names in rows] for quantity, rows in _TABLE.items()}
    table["temperature"] = [names.split()[0] for names in _TEMPERATURES]
    return "; ".join(f"{quantity}: {', '.join(names)}" for quantity, names in table.items())
