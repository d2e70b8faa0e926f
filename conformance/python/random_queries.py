"""Random queries over two tables that are the same in Timebrook and in DuckDB.

Everything that both dialects spell alike is used as it is; what DuckDB spells otherwise is a macro there (`MACROS`). A
query is made from a seeded random generator alone, so its seed is all that a failing test has to tell.
"""

import random

DATABASE = "pairs"
# 2024-03-01 00:00:00, so that a leap year's February lies just before.
START_MS = 1_709_251_200_000
HOSTS = ["alpha", "beta", "gamma", "delta", "épsilon"]
ZONES = ["north", "south", None]
NOTES = ["", "plain", "100%", "under_score", "it's", "Ünïcode", "zzz", None, None]

MACROS = ["CREATE MACRO to_nanoseconds(t) AS epoch_ns(t)"]


def readings(rng: random.Random, count: int) -> list[dict]:
    """Rows of `pairs.readings`, unique in (host, zone, time): numbers are such that sums of them are exact."""
    keys = set()
    rows = []
    while len(rows) < count:
        key = (rng.choice(HOSTS), rng.choice(ZONES), START_MS + rng.randrange(200) * 1_800_000)
        if key in keys:
            continue
        keys.add(key)
        rows.append(
            {
                "host": key[0],
                "zone": key[1],
                "time_ms": key[2],
                "n": rng.choice([None, 0, 1, rng.randrange(-50, 50), rng.randrange(-50, 50)]),
                "x": rng.choice([None, 0.0, rng.randrange(-400, 400) / 4, rng.randrange(-400, 400) / 4]),
                "ok": rng.choice([None, True, False]),
                "note": rng.choice(NOTES),
            }
        )
    return rows


def hosts(rng: random.Random) -> list[dict]:
    """Rows of `pairs.hosts`: one host is missing, one that nothing refers to is there."""
    return [
        {"host": host, "time_ms": START_MS, "size": rng.choice([None, 1, 2, 8]), "label": rng.choice(NOTES)}
        for host in [*HOSTS[:-1], "unused"]
    ]


class Generator:
    """Makes one query after the other. Columns are `r.host`, … of readings and `h.host`, … of hosts."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)

    def pick(self, *choices):
        """One of the choices; functions are called for theirs."""
        choice = self.rng.choice(choices)
        return choice() if callable(choice) else choice

    def integer(self, depth: int = 2) -> str:
        if depth == 0:
            return self.pick("r.n", "r.n", str(self.rng.randrange(-9, 60)), "length(r.note)", "hour(r.time)")
        return self.pick(
            lambda: self.integer(0),
            lambda: f"({self.integer(depth - 1)} {self.pick('+', '-', '*')} {self.integer(0)})",
            lambda: f"({self.integer(depth - 1)} % {self.rng.randrange(2, 9)})",
            lambda: f"abs({self.integer(depth - 1)})",
            lambda: f"coalesce({self.integer(depth - 1)}, {self.integer(0)})",
            lambda: f"nullif({self.integer(depth - 1)}, {self.rng.randrange(3)})",
            lambda: f"CASE WHEN {self.boolean(depth - 1)} THEN {self.integer(0)} ELSE {self.integer(0)} END",
            lambda: f"CASE r.host WHEN 'beta' THEN {self.integer(0)} WHEN 'gamma' THEN {self.integer(0)} END",
        )

    def double(self, depth: int = 2) -> str:
        if depth == 0:
            return self.pick("r.x", "r.x", "0.25e0", "-2.5e0", "CAST(r.n AS double)")
        return self.pick(
            lambda: self.double(0),
            lambda: f"({self.double(depth - 1)} {self.pick('+', '-')} {self.double(0)})",
            # Of -0.0 and 0.0 the dialects think differently.
            lambda: f"({self.double(depth - 1)} * {self.double(0)} + 0e0)",
            lambda: f"({self.double(depth - 1)} + {self.integer(0)})",
            lambda: f"({self.double(depth - 1)} / 4e0)",
            lambda: f"sqrt(abs({self.double(depth - 1)}))",
            lambda: f"floor({self.double(depth - 1)})",
        )

    def text(self, depth: int = 1) -> str:
        if depth == 0:
            return self.pick("r.note", "r.host", "r.zone", "'lit'")
        return self.pick(
            lambda: self.text(0),
            lambda: f"({self.text(0)} || {self.text(0)})",
            lambda: f"upper({self.text(depth - 1)})",
            lambda: f"substr({self.text(depth - 1)}, {self.rng.randrange(1, 4)}, {self.rng.randrange(4)})",
            lambda: f"replace({self.text(depth - 1)}, 'a', 'oo')",
            lambda: f"coalesce({self.text(depth - 1)}, 'none')",
            lambda: f"CAST({self.integer(0)} AS varchar)",
            lambda: f"CASE WHEN {self.boolean(0)} THEN {self.text(0)} END",
        )

    def boolean(self, depth: int = 2) -> str:
        comparison = self.pick("=", "<>", "<", "<=", ">", ">=")
        if depth == 0:
            return self.pick(
                "r.ok",
                f"{self.integer(0)} {comparison} {self.integer(0)}",
                f"r.{self.pick('n', 'x', 'ok', 'note', 'zone')} IS {self.pick('', 'NOT ')}NULL",
                f"r.time {comparison} TIMESTAMP '2024-03-0{self.rng.randrange(1, 6)} 12:00:00'",
            )
        return self.pick(
            lambda: self.boolean(0),
            lambda: f"({self.boolean(depth - 1)} AND {self.boolean(depth - 1)})",
            lambda: f"({self.boolean(depth - 1)} OR {self.boolean(depth - 1)})",
            lambda: f"NOT ({self.boolean(depth - 1)})",
            lambda: f"{self.double(1)} {comparison} {self.double(1)}",
            lambda: f"{self.text()} {comparison} {self.text()}",
            lambda: f"{self.integer(1)} {self.pick('', 'NOT ')}BETWEEN {self.integer(0)} AND {self.integer(0)}",
            lambda: f"{self.integer(1)} {self.pick('', 'NOT ')}IN (1, 2, {self.integer(0)}, NULL)",
            lambda: f"r.host {self.pick('', 'NOT ')}IN ('alpha', 'gamma', 'nowhere')",
            lambda: f"{self.text()} LIKE '{self.pick('%a%', '_l%', '100$%', '%$_%', '')}' ESCAPE '$'",
            lambda: f"{self.integer(1)} IS {self.pick('', 'NOT ')}DISTINCT FROM {self.integer(0)}",
        )

    def condition(self) -> str:
        """A boolean that may hold a subquery."""
        return self.pick(
            self.boolean,
            self.boolean,
            f"r.host {self.pick('', 'NOT ')}IN (SELECT h.host FROM pairs.hosts h WHERE h.size > 1)",
            f"{self.pick('', 'NOT ')}EXISTS (SELECT 1 FROM pairs.hosts h WHERE h.host = r.host AND h.size > 1)",
            "r.n > (SELECT avg(s.n) FROM pairs.readings s WHERE s.host = 'beta')",
            "r.n > (SELECT avg(s.n) FROM pairs.readings s WHERE s.host = r.host)",
            f"r.n {self.pick('>', '<=', '=')} {self.pick('ANY', 'ALL')} (SELECT h.size FROM pairs.hosts h WHERE h.size > 1)",
        )

    def value(self) -> str:
        return self.pick(self.integer, self.double, self.text, self.boolean, "to_nanoseconds(r.time)")

    def aggregate(self) -> str:
        return self.pick(
            "count(*)",
            lambda: f"count({self.value()})",
            lambda: f"count(DISTINCT {self.pick(self.integer, self.text)})",
            lambda: f"sum({self.integer(1)})",
            lambda: f"sum({self.pick('r.x', 'r.x + 0.5', 'r.x * 2')})",
            lambda: f"avg({self.integer(1)})",
            lambda: f"{self.pick('min', 'max')}({self.pick(self.integer, self.double, self.text)})",
            lambda: f"to_nanoseconds({self.pick('min', 'max')}(r.time))",
            lambda: f"bool_{self.pick('and', 'or')}({self.boolean(1)})",
            lambda: f"count(CASE WHEN {self.boolean(1)} THEN 1 END)",
        )

    def window(self) -> str:
        over = f"PARTITION BY {self.pick('r.host', 'r.zone', 'r.ok')} " if self.rng.random() < 0.7 else ""
        # Of one series no two rows have the same time, so this order is total.
        total = f"{over}ORDER BY r.time{self.pick('', ' DESC')}, r.host, r.zone"
        frame = self.pick(
            "",
            "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
            "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING",
            "ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING",
            "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
        )
        return self.pick(
            f"{self.pick('row_number()', 'ntile(3)')} OVER ({total})",
            f"{self.pick('rank()', 'dense_rank()')} OVER ({over}ORDER BY {self.integer(0)})",
            f"{self.pick('sum', 'min', 'max', 'count')}(r.n) OVER ({total} {frame})",
            f"sum(r.n) OVER ({over}ORDER BY r.time)",
            f"count(*) OVER ({over.strip()})",
            f"{self.pick('lag', 'lead')}(r.n{self.pick('', ', 2', ', 1, -1')}) OVER ({total})",
            f"{self.pick('first_value', 'last_value')}(r.note) OVER ({total} {frame})",
        )

    def source(self) -> str:
        """FROM and WHERE that give the columns of readings the name r."""
        source = self.pick(
            "pairs.readings r",
            "pairs.readings r",
            lambda: f"(SELECT * FROM pairs.readings r WHERE {self.boolean(1)}) AS r",
        )
        return f"FROM {source} WHERE {self.condition()}"

    def plain(self) -> tuple[str, int]:
        values = [self.value() for _ in range(self.rng.randrange(1, 5))]
        return f"SELECT {self.pick('', 'DISTINCT ')}{', '.join(values)} {self.source()}", len(values)

    def grouped(self) -> tuple[str, int]:
        keys = [self.pick(self.text, "r.host", "r.zone", "r.ok", lambda: self.integer(1)) for _ in range(self.rng.randrange(3))]
        values = [*keys, *(self.aggregate() for _ in range(self.rng.randrange(1, 4)))]
        group = f" GROUP BY {', '.join(str(n + 1) for n in range(len(keys)))}" if keys else ""
        having = f" HAVING {self.pick('count(*) > 2', 'max(r.n) > 3', 'count(r.x) < 20')}" if self.rng.random() < 0.3 else ""
        return f"SELECT {', '.join(values)} {self.source()}{group}{having}", len(values)

    def joined(self) -> tuple[str, int]:
        kind = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
        on = self.pick("r.host = h.host", "r.host = h.host AND r.n < h.size", "h.host = r.host AND h.size > 1")
        columns = ["r.host", "h.host", "h.size", "h.label", "r.n", "r.note", "r.n + h.size"]
        values = ", ".join(self.rng.choice(columns) for _ in range(3))
        where = self.pick("", " WHERE h.size IS NULL", " WHERE r.n > 0", " WHERE coalesce(h.label, 'x') <> 'zzz'")
        return f"SELECT {values} FROM pairs.readings r {kind} pairs.hosts h ON {on}{where}", 3

    def windowed(self) -> tuple[str, int]:
        values = ["r.host", "r.zone", "to_nanoseconds(r.time)", *(self.window() for _ in range(self.rng.randrange(1, 3)))]
        return f"SELECT {', '.join(values)} FROM pairs.readings r WHERE {self.boolean(1)}", len(values)

    def combined(self) -> tuple[str, int]:
        kinds = [self.pick("integer", "text") for _ in range(self.rng.randrange(1, 3))]

        def part():
            values = ", ".join(self.integer(1) if kind == "integer" else self.text() for kind in kinds)
            return f"SELECT {values} {self.source()}"

        return f"{part()} {self.pick('UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT')} {part()}", len(kinds)

    def nested(self) -> tuple[str, int]:
        return (
            f"WITH c AS (SELECT r.host AS host, count(*) AS rows, sum(r.n) AS total {self.source()} GROUP BY r.host) "
            f"SELECT c.host, c.rows, c.total, h.size, (SELECT max(r.x) FROM pairs.readings r WHERE r.host = c.host) "
            f"FROM c {self.pick('JOIN', 'LEFT JOIN')} pairs.hosts h ON h.host = c.host"
        ), 5

    def query(self) -> str:
        """A query. Where it is cut by LIMIT, all of its columns decide the order."""
        shapes = [self.plain, self.plain, self.grouped, self.grouped, self.joined, self.windowed, self.combined, self.nested]
        sql, width = self.rng.choice(shapes)()
        if self.rng.random() < 0.7:
            return sql
        order = ", ".join(f"{n + 1}{self.pick('', ' DESC', ' NULLS FIRST', ' DESC NULLS FIRST')}" for n in range(width))
        return f"SELECT * FROM ({sql}) AS q ORDER BY {order} LIMIT {self.rng.randrange(40)}"

    def damaged(self) -> str:
        """A query with some of its text removed, doubled, moved or replaced."""
        words = self.query().split(" ")
        strange = ["(", ")", ",", "'", '"', "NULL", "SELECT", "FROM", "OVER", "@p", "5m", "::", "->", "\u0000", "é", "--", "/*"]
        for _ in range(self.rng.randrange(1, 4)):
            at = self.rng.randrange(len(words))
            self.pick(
                lambda: words.pop(at) if len(words) > 1 else None,
                lambda: words.insert(at, words[self.rng.randrange(len(words))]),
                lambda: words.insert(at, self.rng.choice(strange)),
                lambda: words.__setitem__(at, self.rng.choice(strange)),
            )
        return " ".join(words)
