"""AWS's DevOps sample, or a fleet like it: ingested twice, and every query's rows computed here from the readings.

Once shifted so that the newest reading is now, into a table whose memory store holds all of it; once as it is, of March
2020, into a table with magnetic writes and 3,650 days. Both as single-measure and as multi-measure records.
"""

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import pytest
import sample
from clients import Boto3, query_all, rows_of
from expectations import now_ms
from sample import Reading

MEMORY = {
    "RetentionProperties": {"MemoryStoreRetentionPeriodInHours": 24, "MagneticStoreRetentionPeriodInDays": 1}
}
MAGNETIC = {
    "RetentionProperties": {"MemoryStoreRetentionPeriodInHours": 1, "MagneticStoreRetentionPeriodInDays": 3650},
    "MagneticStoreWriteProperties": {"EnableMagneticStoreWrites": True},
}


@dataclass
class Fleet:
    """Readings that lie in two tables of one account."""

    client: Boto3
    readings: list[Reading]
    # What each WriteRecords call answered, by table.
    ingested: dict[str, list[dict]]

    def rows(self, sql: str) -> list[list[str]]:
        return rows_of(self.client, sql)

    def by_host(self) -> dict[str, list[Reading]]:
        """Readings of each host in the order of their times."""
        hosts = defaultdict(list)
        for reading in sorted(self.readings, key=lambda reading: reading.time_ms):
            hosts[reading.hostname].append(reading)
        return hosts

    @property
    def one_host(self) -> str:
        return min(reading.hostname for reading in self.readings)


def load(url: str, settings: dict, shift_ms: int) -> Fleet:
    """Writes the readings, in batches of 100, as single and as multi-measure records."""
    client = Boto3("explicit", url)
    fleet = [replace(reading, time_ms=reading.time_ms + shift_ms) for reading in sample.readings()]
    client.call("create_database", DatabaseName="sampleDB")
    ingested = {}
    for table, records in (("DevOps", sample.single_records(fleet)), ("DevOpsMulti", sample.multi_records(fleet))):
        client.call("create_table", DatabaseName="sampleDB", TableName=table, **settings)
        ingested[table] = [
            client.call(
                "write_records", DatabaseName="sampleDB", TableName=table, Records=records[first : first + 100]
            )["RecordsIngested"]
            for first in range(0, len(records), 100)
        ]
    return Fleet(client, fleet, ingested)


@pytest.fixture(scope="session")
def recent(url) -> Fleet:
    """The newest reading is now."""
    newest = max(reading.time_ms for reading in sample.readings())
    return load(url, MEMORY, now_ms() - newest)


@pytest.fixture(scope="session")
def old(url) -> Fleet:
    """Times as they are."""
    return load(url, MAGNETIC, 0)


@pytest.fixture(params=["recent", "old"])
def fleet(request) -> Fleet:
    """Each of the two."""
    return request.getfixturevalue(request.param)


def text(time_ms: int) -> str:
    """A time as the query service prints it."""
    moment = datetime.fromtimestamp(time_ms // 1000, timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{time_ms % 1000:03}000000"


def number(value: str) -> float:
    """The number a DOUBLE cell holds; its text must be the shortest that reads back as it."""
    parsed = float(value)
    assert "." in value, f"{value} is not a DOUBLE's text"
    return parsed


def close(expected: float):
    """Equal but for the order of summation."""
    return pytest.approx(expected, rel=1e-9)


def nearest_rank(values: list[float], p: float) -> float:
    """guide: the smallest value whose cumulative count is at least p of all."""
    return sorted(values)[max(1, math.ceil(p * len(values))) - 1]


def test_counts_of_ingestion(recent, old):
    for fleet, store in ((recent, "MemoryStore"), (old, "MagneticStore")):
        for table, total in (("DevOps", 10_000), ("DevOpsMulti", 5_000)):
            sums = {key: sum(counts[key] for counts in fleet.ingested[table]) for key in fleet.ingested[table][0]}
            assert sums == {"Total": total, "MemoryStore": 0, "MagneticStore": 0} | {store: total}


def test_every_row_comes_back(fleet):
    select = "SELECT region, az, hostname, time, {} FROM sampleDB.{} ORDER BY hostname, time, measure_name"
    ordered = sorted(fleet.readings, key=lambda reading: (reading.hostname, reading.time_ms))
    multi = fleet.rows(select.format("cpu_utilization, memory_utilization", "DevOpsMulti"))
    assert [row[:4] + [number(row[4]), number(row[5])] for row in multi] == [
        [r.region, r.az, r.hostname, text(r.time_ms), r.cpu_utilization, r.memory_utilization] for r in ordered
    ]
    single = fleet.rows(select.format("measure_name, measure_value::double", "DevOps"))
    assert [row[:5] + [number(row[5])] for row in single] == [
        [r.region, r.az, r.hostname, text(r.time_ms), measure, getattr(r, measure)]
        for r in ordered
        for measure in sample.MEASURES
    ]


def test_ten_most_recent(fleet):
    # guide: sample-queries.basic-scenarios.html
    columns, rows = query_all(fleet.client, 'SELECT * FROM "sampleDB".DevOps ORDER BY time DESC LIMIT 10')
    names = [column["Name"] for column in columns]
    assert names == ["region", "az", "hostname", "measure_name", "time", "measure_value::double"]
    assert len(rows) == 10
    newest = sorted((r.time_ms for r in fleet.readings for _ in sample.MEASURES), reverse=True)[:10]
    assert [row["Data"][4]["ScalarValue"] for row in rows] == [text(time_ms) for time_ms in newest]


def test_counts(fleet):
    assert fleet.rows("SELECT measure_name, count(*) FROM sampleDB.DevOps GROUP BY measure_name ORDER BY 1") == [
        ["cpu_utilization", "5000"],
        ["memory_utilization", "5000"],
    ]
    per_region = defaultdict(int)
    for reading in fleet.readings:
        per_region[reading.region] += 1
    sql = "SELECT region, count(*) AS n FROM sampleDB.DevOpsMulti GROUP BY region ORDER BY n DESC, region"
    assert fleet.rows(sql) == [
        [region, str(n)] for region, n in sorted(per_region.items(), key=lambda entry: (-entry[1], entry[0]))
    ]
    hosts = len({reading.hostname for reading in fleet.readings})
    assert fleet.rows("SELECT count(DISTINCT hostname) FROM sampleDB.DevOps") == [[str(hosts)]]
    busy = sum(reading.cpu_utilization > 90 for reading in fleet.readings)
    assert fleet.rows("SELECT count_if(cpu_utilization > 90) FROM sampleDB.DevOpsMulti") == [[str(busy)]]
    [[estimate]] = fleet.rows("SELECT approx_distinct(hostname) FROM sampleDB.DevOps")
    # guide: a standard error of 2.3 %
    assert abs(int(estimate) - hosts) <= 0.1 * hosts


def test_averages_per_host(fleet):
    rows = fleet.rows(
        "SELECT hostname, avg(measure_value::double), min(measure_value::double), max(measure_value::double), "
        "sum(measure_value::double), stddev(measure_value::double) FROM sampleDB.DevOps "
        "WHERE measure_name = 'cpu_utilization' GROUP BY hostname ORDER BY hostname"
    )
    hosts = fleet.by_host()
    assert [row[0] for row in rows] == sorted(hosts)
    for name, average, least, most, total, deviation in rows:
        values = [reading.cpu_utilization for reading in hosts[name]]
        assert number(average) == close(statistics.fmean(values))
        assert (number(least), number(most)) == (min(values), max(values))
        assert number(total) == close(math.fsum(values))
        assert number(deviation) == close(statistics.stdev(values))


def test_binned_averages_and_percentiles(fleet):
    # guide: sample-queries.devops-scenarios.html, binned average, p90, p95 and p99 of a host
    rows = fleet.rows(
        "SELECT region, az, hostname, BIN(time, 15s) AS binned_timestamp, "
        "ROUND(AVG(measure_value::double), 2) AS avg_cpu_utilization, "
        "ROUND(APPROX_PERCENTILE(measure_value::double, 0.9), 2) AS p90_cpu_utilization, "
        "ROUND(APPROX_PERCENTILE(measure_value::double, 0.95), 2) AS p95_cpu_utilization, "
        "ROUND(APPROX_PERCENTILE(measure_value::double, 0.99), 2) AS p99_cpu_utilization "
        f"FROM \"sampleDB\".DevOps WHERE measure_name = 'cpu_utilization' AND hostname = '{fleet.one_host}' "
        "GROUP BY region, hostname, az, BIN(time, 15s) ORDER BY binned_timestamp ASC"
    )
    bins = defaultdict(list)
    for reading in fleet.by_host()[fleet.one_host]:
        bins[reading.time_ms // 15_000 * 15_000].append(reading.cpu_utilization)
    assert [row[3] for row in rows] == [text(start) for start in sorted(bins)]
    for row, (_, values) in zip(rows, sorted(bins.items()), strict=True):
        assert number(row[4]) == pytest.approx(statistics.fmean(values), abs=0.0050001)
        for cell, p in zip(row[5:], (0.9, 0.95, 0.99), strict=True):
            assert number(cell) == pytest.approx(nearest_rank(values, p), abs=0.0050001)


def test_percentiles_per_host(fleet):
    rows = fleet.rows(
        "SELECT hostname, approx_percentile(cpu_utilization, 0.5), approx_percentile(cpu_utilization, 0.9) "
        "FROM sampleDB.DevOpsMulti GROUP BY hostname"
    )
    hosts = fleet.by_host()
    assert len(rows) == len(hosts)
    for name, median, p90 in rows:
        values = [reading.cpu_utilization for reading in hosts[name]]
        assert (number(median), number(p90)) == (nearest_rank(values, 0.5), nearest_rank(values, 0.9))


def test_hosts_above_the_fleet_average(fleet):
    # guide: sample-queries.devops-scenarios.html
    rows = fleet.rows(
        "WITH avg_fleet_utilization AS ("
        "  SELECT COUNT(DISTINCT hostname) AS total_host_count, AVG(measure_value::double) AS fleet_avg_cpu_utilization"
        "  FROM \"sampleDB\".DevOps WHERE measure_name = 'cpu_utilization'"
        "), avg_per_host_cpu AS ("
        "  SELECT region, az, hostname, AVG(measure_value::double) AS avg_cpu_utilization"
        "  FROM \"sampleDB\".DevOps WHERE measure_name = 'cpu_utilization' GROUP BY region, az, hostname"
        ") "
        "SELECT region, az, hostname, avg_cpu_utilization, fleet_avg_cpu_utilization "
        "FROM avg_fleet_utilization, avg_per_host_cpu "
        "WHERE avg_cpu_utilization > 1.1 * fleet_avg_cpu_utilization ORDER BY avg_cpu_utilization DESC"
    )
    whole = statistics.fmean(reading.cpu_utilization for reading in fleet.readings)
    averages = {
        name: statistics.fmean(reading.cpu_utilization for reading in readings)
        for name, readings in fleet.by_host().items()
    }
    expected = sorted((name for name in averages if averages[name] > 1.1 * whole), key=lambda name: -averages[name])
    assert len(expected) > 0
    assert [row[2] for row in rows] == expected
    assert [number(row[3]) for row in rows] == [close(averages[name]) for name in expected]
    assert all(number(row[4]) == close(whole) for row in rows)


def test_last_points(fleet):
    rows = fleet.rows(
        "SELECT hostname, max(time) AS time, max_by(measure_value::double, time) AS last_value, "
        "min_by(measure_value::double, time) AS first_value FROM sampleDB.DevOps "
        "WHERE measure_name = 'memory_utilization' GROUP BY hostname ORDER BY hostname"
    )
    assert [[row[0], row[1], number(row[2]), number(row[3])] for row in rows] == [
        [name, text(readings[-1].time_ms), readings[-1].memory_utilization, readings[0].memory_utilization]
        for name, readings in sorted(fleet.by_host().items())
    ]


def test_last_points_by_join(fleet):
    # guide: sample-queries.iot-scenarios.html, the last known state of each thing
    rows = fleet.rows(
        "WITH latest_recorded_time AS ("
        "  SELECT hostname, max(time) AS latest_time FROM sampleDB.DevOpsMulti GROUP BY hostname"
        ") SELECT m.hostname, m.cpu_utilization FROM sampleDB.DevOpsMulti m "
        "JOIN latest_recorded_time l ON m.hostname = l.hostname AND m.time = l.latest_time ORDER BY m.hostname"
    )
    assert [[row[0], number(row[1])] for row in rows] == [
        [name, readings[-1].cpu_utilization] for name, readings in sorted(fleet.by_host().items())
    ]


def test_time_series_per_host(fleet):
    _, rows = query_all(
        fleet.client,
        "SELECT hostname, CREATE_TIME_SERIES(time, measure_value::double) AS cpu FROM sampleDB.DevOps "
        "WHERE measure_name = 'cpu_utilization' GROUP BY hostname ORDER BY hostname",
    )
    hosts = fleet.by_host()
    assert len(rows) == len(hosts)
    for row in rows:
        name, series = row["Data"]
        assert [
            (point["Time"], number(point["Value"]["ScalarValue"])) for point in series["TimeSeriesValue"]
        ] == [(text(r.time_ms), r.cpu_utilization) for r in hosts[name["ScalarValue"]]]


def test_interpolation(fleet):
    # guide: sample-queries.devops-scenarios.html, average CPU interpolated at fixed steps
    host = fleet.one_host
    rows = fleet.rows(
        "WITH interpolated AS ("
        "  SELECT hostname, INTERPOLATE_LINEAR(CREATE_TIME_SERIES(time, measure_value::double), "
        "    SEQUENCE(min(time), max(time), 15s)) AS cpu"
        f"  FROM sampleDB.DevOps WHERE measure_name = 'cpu_utilization' AND hostname = '{host}' GROUP BY hostname"
        ") SELECT t.time, t.value FROM interpolated CROSS JOIN UNNEST(cpu) AS t (time, value) ORDER BY t.time"
    )
    points = [(reading.time_ms, reading.cpu_utilization) for reading in fleet.by_host()[host]]
    expected = []
    for at in range(points[0][0], points[-1][0] + 1, 15_000):
        after = next(i for i, (time_ms, _) in enumerate(points) if time_ms >= at)
        if points[after][0] == at:
            expected.append((at, points[after][1]))
            continue
        (t0, v0), (t1, v1) = points[after - 1], points[after]
        expected.append((at, v0 + (v1 - v0) * (at - t0) / (t1 - t0)))
    assert [row[0] for row in rows] == [text(at) for at, _ in expected]
    assert [number(row[1]) for row in rows] == [close(value) for _, value in expected]


def test_join_of_two_measures(fleet):
    rows = fleet.rows(
        "SELECT c.hostname, c.time, c.measure_value::double, m.measure_value::double "
        "FROM sampleDB.DevOps c INNER JOIN sampleDB.DevOps m ON c.hostname = m.hostname AND c.time = m.time "
        "WHERE c.measure_name = 'cpu_utilization' AND m.measure_name = 'memory_utilization' "
        "AND c.measure_value::double > m.measure_value::double + 80 ORDER BY c.hostname, c.time"
    )
    expected = [
        [r.hostname, text(r.time_ms), r.cpu_utilization, r.memory_utilization]
        for r in sorted(fleet.readings, key=lambda reading: (reading.hostname, reading.time_ms))
        if r.cpu_utilization > r.memory_utilization + 80
    ]
    assert expected
    assert [row[:2] + [number(row[2]), number(row[3])] for row in rows] == expected


def test_left_join(fleet):
    rows = fleet.rows(
        "SELECT a.hostname, b.n FROM (SELECT DISTINCT hostname FROM sampleDB.DevOpsMulti) a "
        "LEFT JOIN (SELECT hostname, count(*) AS n FROM sampleDB.DevOpsMulti WHERE cpu_utilization > 99 "
        "GROUP BY hostname) b ON a.hostname = b.hostname ORDER BY a.hostname"
    )
    counts = {
        name: sum(reading.cpu_utilization > 99 for reading in readings) for name, readings in fleet.by_host().items()
    }
    assert 0 in counts.values()
    assert rows == [[name, str(n) if n else "NULL"] for name, n in sorted(counts.items())]


def test_window_functions(fleet):
    rows = fleet.rows(
        "SELECT time, cpu_utilization, row_number() OVER (ORDER BY time), lag(cpu_utilization) OVER (ORDER BY time), "
        "avg(cpu_utilization) OVER (ORDER BY time ROWS BETWEEN 2 PRECEDING AND CURRENT ROW), "
        "rank() OVER (ORDER BY cpu_utilization DESC), first_value(cpu_utilization) OVER (ORDER BY time) "
        f"FROM sampleDB.DevOpsMulti WHERE hostname = '{fleet.one_host}' ORDER BY time"
    )
    readings = fleet.by_host()[fleet.one_host]
    values = [reading.cpu_utilization for reading in readings]
    assert len(rows) == len(values)
    for i, row in enumerate(rows):
        assert row[0] == text(readings[i].time_ms)
        assert number(row[1]) == values[i]
        assert row[2] == str(i + 1)
        assert row[3] == "NULL" if i == 0 else number(row[3]) == values[i - 1]
        assert number(row[4]) == close(statistics.fmean(values[max(0, i - 2) : i + 1]))
        assert row[5] == str(1 + sum(value > values[i] for value in values))
        assert number(row[6]) == values[0]


def test_rank_of_aggregates(fleet):
    # A window function over an aggregate of the same query.
    rows = fleet.rows(
        "SELECT region, DENSE_RANK() OVER (ORDER BY AVG(cpu_utilization) DESC) AS place "
        "FROM sampleDB.DevOpsMulti GROUP BY region ORDER BY place"
    )
    averages = defaultdict(list)
    for reading in fleet.readings:
        averages[reading.region].append(reading.cpu_utilization)
    order = sorted(averages, key=lambda region: -statistics.fmean(averages[region]))
    assert rows == [[region, str(place + 1)] for place, region in enumerate(order)]


def test_time_ranges(fleet):
    times = sorted(reading.time_ms for reading in fleet.readings)
    first, last = times[1000], times[3000]
    inside = sum(first <= time_ms < last for time_ms in times)
    for low, high in (
        (f"'{text(first)}'", f"'{text(last)}'"),
        (f"from_milliseconds({first})", f"from_milliseconds({last})"),
        (f"timestamp '{text(first)}'", f"timestamp '{text(last)}'"),
    ):
        sql = f"SELECT count(*) FROM sampleDB.DevOpsMulti WHERE time >= {low} AND time < {high}"
        assert fleet.rows(sql) == [[str(inside)]]
    closed = sum(first <= time_ms <= last for time_ms in times)
    between = f"SELECT count(*) FROM sampleDB.DevOpsMulti WHERE time BETWEEN '{text(first)}' AND '{text(last)}'"
    assert fleet.rows(between) == [[str(closed)]]


def test_recent_and_old(recent, old):
    count = "SELECT count(*) FROM sampleDB.DevOpsMulti WHERE time > ago(1h)"
    assert recent.rows(count) == [["5000"]]
    assert old.rows(count) == [["0"]]
    assert old.rows("SELECT min(time), max(time) FROM sampleDB.DevOpsMulti") == [
        [text(min(r.time_ms for r in old.readings)), text(max(r.time_ms for r in old.readings))]
    ]


def test_set_operations_and_subqueries(fleet):
    hosts = fleet.by_host()
    hot = {name for name, readings in hosts.items() if max(r.cpu_utilization for r in readings) > 98}
    full = {name for name, readings in hosts.items() if max(r.memory_utilization for r in readings) > 98}
    template = "SELECT hostname FROM sampleDB.DevOpsMulti WHERE {} > 98"
    cpu, memory = (template.format(measure) for measure in sample.MEASURES)
    for operator, expected in (("UNION", hot | full), ("INTERSECT", hot & full), ("EXCEPT", hot - full)):
        assert fleet.rows(f"{cpu} {operator} {memory} ORDER BY 1") == [[name] for name in sorted(expected)]
    inside = f"SELECT DISTINCT hostname FROM sampleDB.DevOps WHERE hostname IN ({cpu}) ORDER BY 1"
    assert fleet.rows(inside) == [[name] for name in sorted(hot)]
    maximum = "SELECT hostname FROM sampleDB.DevOpsMulti WHERE cpu_utilization = (SELECT max(cpu_utilization) FROM {})"
    most = max(fleet.readings, key=lambda reading: reading.cpu_utilization)
    assert fleet.rows(maximum.format("sampleDB.DevOpsMulti")) == [[most.hostname]]


def test_conditional_aggregation(fleet):
    # Both measures side by side from single-measure rows.
    rows = fleet.rows(
        "SELECT time, max(CASE WHEN measure_name = 'cpu_utilization' THEN measure_value::double END) AS cpu, "
        "max(IF(measure_name = 'memory_utilization', measure_value::double)) AS memory FROM sampleDB.DevOps "
        f"WHERE hostname = '{fleet.one_host}' GROUP BY time HAVING count(*) = 2 ORDER BY time"
    )
    assert [[row[0], number(row[1]), number(row[2])] for row in rows] == [
        [text(r.time_ms), r.cpu_utilization, r.memory_utilization] for r in fleet.by_host()[fleet.one_host]
    ]


def test_paginated_scan(fleet):
    pages = fleet.client.query.get_paginator("query").paginate(
        QueryString="SELECT hostname, time FROM sampleDB.DevOps", PaginationConfig={"PageSize": 999}
    )
    seen = [tuple(datum["ScalarValue"] for datum in row["Data"]) for page in pages for row in page["Rows"]]
    assert len(seen) == 10_000
    assert set(seen) == {(reading.hostname, text(reading.time_ms)) for reading in fleet.readings}
