"""The people of the demo. Nobody's number is among them: all come from ranges that are kept for fiction.

contacts.csv holds the first of them (`python -m agentalk.cli.demo.people > contacts.csv` writes it anew); a demo with
more contacts than the file has rows invents the rest by the same rule.
"""

import csv
import sys
from collections.abc import Iterator
from itertools import count, islice
from typing import NamedTuple, TextIO

COLUMNS = ("id", "name", "phone", "country", "timeZone", "language", "city")
SHIPPED = 240

FIRST = """
    Ada Alan Amara Anders Beatriz Benoit Camila Chloe Darius Dilnoza Edith Elif Emeka Farah Felix Grace Hana Hugo Ines
    Ivo Jamal Jonas Kavya Keiko Lars Leila Lucia Maeve Malik Mina Nadia Noah Olga Omar Paloma Priya Quinn Rafael Rosa
    Samir Sofia Tariq Thea Uma Victor Wanda Xavier Yara Yusuf Zoe
""".split()  # noqa: SIM905 - as a list it would be fifty lines
LAST = """
    Abara Acosta Bauer Bianchi Castillo Cohen Dubois Eriksson Farouk Fischer Garcia Haddad Hansen Ito Jansen Johnson
    Kaya Khan Kowalski Laurent Lindqvist Mbeki Moreau Murphy Nakamura Novak Okafor Oliveira Patel Petrov Quispe Reyes
    Rossi Sato Schmidt Silva Singh Smith Tanaka Torres Ueda Vargas Walsh Weber Wright Yilmaz Young Zhang
""".split()  # noqa: SIM905 - as a list it would be fifty lines


class Range(NamedTuple):
    """Numbers kept for fiction: `size` of them, made by putting `first` and what follows into `phone`.

    `zone` is given where the number does not tell it. Sources: NANPA (555-0100 to 555-0199), Ofcom, ARCEP, BNetzA, PTS
    and ACMA, each under "numbers for drama use".
    """

    phone: str
    size: int
    country: str
    language: str
    city: str
    zone: str = ""
    first: int = 0


def _american(area: int, city: str, country: str = "US") -> Range:
    return Range(f"+1 {area} 555 01{{:02d}}", 100, country, "en", city)


EAST = (
    _american(212, "New York"),
    _american(617, "Boston"),
    _american(305, "Miami"),
    _american(416, "Toronto", "CA"),
    _american(312, "Chicago"),
    _american(404, "Atlanta"),
    _american(512, "Austin"),
    _american(215, "Philadelphia"),
    _american(303, "Denver"),
    _american(514, "Montreal", "CA"),
)
WEST = (
    _american(415, "San Francisco"),
    _american(213, "Los Angeles"),
    _american(206, "Seattle"),
    _american(503, "Portland"),
    _american(604, "Vancouver", "CA"),
    _american(702, "Las Vegas"),
)
EUROPE = (
    Range("+44 20 7946 0{:03d}", 1000, "GB", "en", "London"),
    Range("+33 1 99 00 {:04d}", 10_000, "FR", "fr", "Paris"),
    Range("+49 30 23125 {:03d}", 1000, "DE", "de", "Berlin"),
    Range("+44 161 496 0{:03d}", 1000, "GB", "en", "Manchester"),
    Range("+46 8 465 004 {:02d}", 100, "SE", "sv", "Stockholm"),
    Range("+44 131 496 0{:03d}", 1000, "GB", "en", "Edinburgh"),
)
FAR = (
    Range("+61 2 5550 {:04d}", 10_000, "AU", "en", "Sydney"),
    # India keeps no range for fiction: a person in Mumbai with a British phone, and the zone beside it.
    Range("+44 7700 900{:03d}", 500, "IN", "en", "Mumbai", "Asia/Kolkata", 500),
    Range("+61 3 7010 {:04d}", 10_000, "AU", "en", "Melbourne"),
    _american(808, "Honolulu"),
)
# A toll-free number may be anywhere from Puerto Rico to Guam, a mobile without a zone anywhere at all.
PLACELESS = (_american(800, ""), Range("+44 7700 900{:03d}", 500, "GB", "en", ""))
GOOD = (EAST, WEST, EUROPE, FAR, PLACELESS)
BAD_PHONES = ("", "call me maybe", "+1 415 555", "n/a", "+999 12345678", "tel. 0555/12", "", "+1 212 555 0100 ext. 12")
# One round of rows, by the first letter of the list they come from; `b` is a row that cannot be imported as it stands.
ROUND = "eweufewefuewepeuwfewuebe"
_LISTS = dict(zip("ewufp", GOOD, strict=True))


def people(how_many: int) -> Iterator[dict[str, str]]:
    """The first `how_many` rows, the same ones every time."""
    return islice(_people(), how_many)


def _people() -> Iterator[dict[str, str]]:
    given: dict[str, int] = dict.fromkeys(ROUND, 0)
    for i in count():
        kind = ROUND[i % len(ROUND)]
        nth = given[kind]
        given[kind] += 1
        row = {
            "id": f"demo-{i + 1:04d}",
            "name": f"{FIRST[i * 7 % len(FIRST)]} {LAST[i * 11 % len(LAST)]}",
            **(_bad(nth) if kind == "b" else _good(_LISTS[kind], nth)),
        }
        yield {column: row[column] for column in COLUMNS}


def _good(ranges: tuple[Range, ...], nth: int) -> dict[str, str]:
    chosen = ranges[nth % len(ranges)]
    # Beyond the size of a range its numbers come again: several contacts then share a phone, as in life.
    number = chosen.first + nth // len(ranges) * 7 % chosen.size
    return {
        "phone": chosen.phone.format(number),
        "country": chosen.country,
        "timeZone": chosen.zone,
        "language": chosen.language,
        "city": chosen.city,
    }


def _bad(nth: int) -> dict[str, str]:
    # Every fifth has a good phone, and a zone that no map shows.
    if nth % 5 == 2:
        return {**_good(EAST, nth), "timeZone": "Mars/Olympus_Mons"}
    phone = BAD_PHONES[nth % len(BAD_PHONES)]
    return {"phone": phone, "country": "", "timeZone": "", "language": "en", "city": ""}


def write(rows: Iterator[dict[str, str]], file: TextIO) -> None:
    """Rows as CSV, with their columns' names above them."""
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


if __name__ == "__main__":
    write(people(SHIPPED), sys.stdout)
