package timebrook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.amazonaws.services.timestreamquery.model.AmazonTimestreamQueryException;
import com.amazonaws.services.timestreamquery.model.CancelQueryRequest;
import com.amazonaws.services.timestreamquery.model.ColumnInfo;
import com.amazonaws.services.timestreamquery.model.ConflictException;
import com.amazonaws.services.timestreamquery.model.Datum;
import com.amazonaws.services.timestreamquery.model.QueryRequest;
import com.amazonaws.services.timestreamquery.model.QueryResult;
import com.amazonaws.services.timestreamquery.model.ValidationException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The statements that the driver sends and the calls that it makes of them; its source is awslabs/amazon-timestream-driver-jdbc. */
class DriverStatementsTest {
    /** A Datum as text. */
    private static String text(Datum datum) {
        if (datum.getScalarValue() != null) {
            return datum.getScalarValue();
        }
        if (Boolean.TRUE.equals(datum.getNullValue())) {
            return "NULL";
        }
        if (datum.getArrayValue() != null) {
            return texts(datum.getArrayValue()).toString();
        }
        if (datum.getRowValue() != null) {
            return "row" + texts(datum.getRowValue().getData());
        }
        assertNotNull(datum.getTimeSeriesValue(), datum::toString);
        return datum.getTimeSeriesValue().stream()
                .map(point -> point.getTime() + " " + text(point.getValue()))
                .toList()
                .toString();
    }

    private static List<String> texts(List<Datum> data) {
        return data.stream().map(DriverStatementsTest::text).toList();
    }

    private static List<String> names(QueryResult answer) {
        return answer.getColumnInfo().stream().map(ColumnInfo::getName).toList();
    }

    /** All rows of a query, page by page as the driver asks for them. */
    private static List<List<String>> rows(World world, String sql) {
        QueryRequest request = new QueryRequest().withQueryString(sql);
        List<List<String>> rows = new ArrayList<>();
        do {
            QueryResult page = world.query.query(request);
            page.getRows().forEach(row -> rows.add(texts(row.getData())));
            request.setNextToken(page.getNextToken());
        } while (request.getNextToken() != null);
        return rows;
    }

    @ParameterizedTest
    @ValueSource(strings = {"explicit", "tls"})
    void aConnectionIsTried(String mode) {
        assertEquals(List.of(List.of("1")), rows(new World(mode), "SELECT 1"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"explicit", "tls"})
    void everyType(String mode) {
        QueryResult answer = new World(mode)
                .query.query(new QueryRequest()
                        .withQueryString("SELECT 1 AS i, 2147483648 AS b, 1.5e0 AS x, true AS f, 'text' AS s, "
                                + "date '2024-02-29' AS d, time '13:30:15.25' AS t, "
                                + "timestamp '2024-02-29 12:30:15.123456789' AS ts, "
                                + "interval '2' day AS ds, interval '3' month AS ym, NULL AS n, "
                                + "ARRAY[1, NULL] AS a, ROW(1, 'a') AS r, "
                                + "create_time_series(from_nanoseconds(1), 2.5e0) AS series"));
        List<String> scalars = answer.getColumnInfo().stream()
                .map(column -> column.getType().getScalarType())
                .takeWhile(type -> type != null)
                .toList();
        assertEquals(
                List.of(
                        "INTEGER",
                        "BIGINT",
                        "DOUBLE",
                        "BOOLEAN",
                        "VARCHAR",
                        "DATE",
                        "TIME",
                        "TIMESTAMP",
                        "INTERVAL_DAY_TO_SECOND",
                        "INTERVAL_YEAR_TO_MONTH",
                        "UNKNOWN"),
                scalars);
        List<ColumnInfo> columns = answer.getColumnInfo();
        assertEquals("INTEGER", columns.get(11).getType().getArrayColumnInfo().getType().getScalarType());
        assertEquals(
                List.of("INTEGER", "VARCHAR"),
                columns.get(12).getType().getRowColumnInfo().stream()
                        .map(field -> field.getType().getScalarType())
                        .toList());
        assertEquals("DOUBLE", columns.get(13).getType().getTimeSeriesMeasureValueColumnInfo().getType().getScalarType());
        assertEquals(
                List.of(
                        "1",
                        "2147483648",
                        "1.5",
                        "true",
                        "text",
                        "2024-02-29",
                        "13:30:15.250000000",
                        "2024-02-29 12:30:15.123456789",
                        "2 00:00:00.000000000",
                        "0-3",
                        "NULL",
                        "[1, NULL]",
                        "row[1, a]",
                        "[1970-01-01 00:00:00.000000001 2.5]"),
                texts(answer.getRows().get(0).getData()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"explicit", "tls"})
    void schemasTablesAndColumns(String mode) {
        World world = new World(mode);
        world.fill();
        assertEquals(List.of(List.of("sensors")), rows(world, "SHOW DATABASES"));
        assertEquals(List.of(List.of("sensors")), rows(world, "SHOW DATABASES LIKE 'sens%'"));
        assertEquals(List.of(), rows(world, "SHOW DATABASES LIKE 'other'"));
        assertEquals(
                Set.of(List.of("readings"), List.of("rest")), new HashSet<>(rows(world, "SHOW TABLES FROM \"sensors\"")));
        assertEquals(List.of(List.of("readings")), rows(world, "SHOW TABLES FROM \"sensors\" LIKE 'read_ngs'"));
        // The driver takes the first column for the name and the second for the type.
        assertEquals(
                Set.of(
                        List.of("device", "varchar"),
                        List.of("measure_name", "varchar"),
                        List.of("time", "timestamp"),
                        List.of("measure_value::double", "double")),
                rows(world, "DESCRIBE \"sensors\".\"readings\"").stream()
                        .map(row -> row.subList(0, 2))
                        .collect(Collectors.toSet()));
    }

    /** PreparedStatement.getMetaData wraps the statement. */
    @ParameterizedTest
    @ValueSource(strings = {"explicit", "tls"})
    void columnsOfAPreparedStatement(String mode) {
        World world = new World(mode);
        world.fill();
        QueryResult answer = world.query.query(new QueryRequest()
                .withQueryString("SELECT * FROM (SELECT device AS d, count(*) AS n FROM sensors.readings GROUP BY device) LIMIT 0"));
        assertEquals(List.of("d", "n"), names(answer));
        assertEquals(List.of(), answer.getRows());
    }

    /** Statement.setFetchSize is the rows of a page; the query is repeated with the token. */
    @ParameterizedTest
    @ValueSource(strings = {"explicit", "tls"})
    void fetchSize(String mode) {
        World world = new World(mode);
        world.fill();
        QueryRequest request = new QueryRequest()
                .withQueryString("SELECT device, measure_value::double FROM sensors.readings ORDER BY 1, 2")
                .withMaxRows(7);
        List<List<String>> rows = new ArrayList<>();
        Set<String> queries = new HashSet<>();
        do {
            QueryResult page = world.query.query(request);
            assertEquals(List.of("device", "measure_value::double"), names(page));
            assertTrue(page.getRows().size() <= 7);
            page.getRows().forEach(row -> rows.add(texts(row.getData())));
            queries.add(page.getQueryId());
            request.setNextToken(page.getNextToken());
        } while (request.getNextToken() != null);
        List<List<String>> expected = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            expected.add(List.of("d" + i / 10, i / 10 + "." + i % 10));
        }
        assertEquals(expected, rows);
        assertEquals(1, queries.size());
    }

    /** Statement.cancel; asking a cancelled query for more is the ConflictException that the driver waits for. */
    @ParameterizedTest
    @ValueSource(strings = {"explicit", "tls"})
    void cancel(String mode) {
        World world = new World(mode);
        world.fill();
        QueryRequest request =
                new QueryRequest().withQueryString("SELECT * FROM sensors.readings").withMaxRows(5);
        QueryResult first = world.query.query(request);
        if (first.getRows().isEmpty()) {
            first = world.query.query(request.withNextToken(first.getNextToken()));
        }
        world.query.cancelQuery(new CancelQueryRequest().withQueryId(first.getQueryId()));
        QueryRequest more = request.withNextToken(first.getNextToken());
        assertThrows(ConflictException.class, () -> world.query.query(more));
    }

    @ParameterizedTest
    @ValueSource(strings = {"explicit", "tls"})
    void errors(String mode) {
        World world = new World(mode);
        world.fill();
        // observed
        AmazonTimestreamQueryException missing =
                assertThrows(ValidationException.class, () -> rows(world, "SELECT nope FROM sensors.readings"));
        assertEquals("line 1:8: Column 'nope' does not exist", missing.getErrorMessage());
        assertEquals(400, missing.getStatusCode());
        assertEquals("ValidationException", missing.getErrorCode());
        assertNotNull(missing.getRequestId());
        AmazonTimestreamQueryException wrong =
                assertThrows(ValidationException.class, () -> rows(world, "SHOW TABLES FROM net-example"));
        assertEquals("The query syntax is invalid at line 1:21", wrong.getErrorMessage());
    }
}
