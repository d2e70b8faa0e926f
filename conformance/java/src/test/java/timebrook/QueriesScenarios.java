package timebrook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static timebrook.Answers.queryAll;
import static timebrook.Answers.refused;
import static timebrook.Answers.rowsOf;
import static timebrook.Answers.text;
import static timebrook.Readings.fill;
import static timebrook.Readings.makeTable;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.timestreamquery.TimestreamQueryClient;
import software.amazon.awssdk.services.timestreamquery.model.ConflictException;
import software.amazon.awssdk.services.timestreamquery.model.PrepareQueryResponse;
import software.amazon.awssdk.services.timestreamquery.model.QueryResponse;
import software.amazon.awssdk.services.timestreamquery.model.ScalarType;
import software.amazon.awssdk.services.timestreamquery.model.SelectColumn;
import software.amazon.awssdk.services.timestreamquery.model.Type;
import software.amazon.awssdk.services.timestreamquery.model.ValidationException;

/** Query, PrepareQuery, CancelQuery, statements about tables. */
class QueriesScenarios {
    private final Clients clients = Clients.fresh();
    private final TimestreamQueryClient query = clients.query();

    private static Type scalar(ScalarType type) {
        return Type.builder().scalarType(type).build();
    }

    @Test
    void query_every_datum_type() {
        Answers.Result result = queryAll(
                clients,
                "SELECT 1 AS i, 'two' AS v, timestamp '2020-08-08 01:00' AS ts, "
                        + "interval '2' day - interval '3' hour AS ds, interval '3' year - interval '5' month AS ym, "
                        + "time '01:00' AS t, date '2020-08-08' AS d, 2147483648 AS b, 1e10 AS x, true AS f, "
                        + "NULL AS n, ARRAY[1, NULL, 3] AS a, ROW(1, 'a') AS r");
        assertEquals(
                List.of("i", "v", "ts", "ds", "ym", "t", "d", "b", "x", "f", "n", "a", "r"), result.columnNames());
        // observed: the first seven
        assertEquals(
                List.of(
                        ScalarType.INTEGER,
                        ScalarType.VARCHAR,
                        ScalarType.TIMESTAMP,
                        ScalarType.INTERVAL_DAY_TO_SECOND,
                        ScalarType.INTERVAL_YEAR_TO_MONTH,
                        ScalarType.TIME,
                        ScalarType.DATE,
                        ScalarType.BIGINT,
                        ScalarType.DOUBLE,
                        ScalarType.BOOLEAN,
                        ScalarType.UNKNOWN),
                result.columns().stream().limit(11).map(column -> column.type().scalarType()).toList());
        assertEquals(scalar(ScalarType.INTEGER), result.columns().get(11).type().arrayColumnInfo().type());
        assertEquals(2, result.columns().get(12).type().rowColumnInfo().size());
        assertEquals(
                List.of(List.of(
                        "1",
                        "two",
                        "2020-08-08 01:00:00.000000000",
                        "1 21:00:00.000000000",
                        "2-7",
                        "01:00:00.000000000",
                        "2020-08-08",
                        "2147483648",
                        "1.0E10",
                        "true",
                        "NULL",
                        "[1, NULL, 3]",
                        "(1, a)")),
                result.rows());
    }

    @Test
    void query_time_series() {
        fill(clients);
        Answers.Result result = queryAll(
                clients,
                "SELECT CREATE_TIME_SERIES(time, measure_value::double) AS series FROM sensors.readings "
                        + "WHERE device = 'd2' AND time > ago(150s)");
        Type series = result.columns().get(0).type();
        assertEquals(scalar(ScalarType.DOUBLE), series.timeSeriesMeasureValueColumnInfo().type());
        List<String> values = Pattern.compile(", (\\d\\.\\d)\\)")
                .matcher(result.rows().get(0).get(0))
                .results()
                .map(match -> match.group(1))
                .toList();
        assertEquals(List.of("2.2", "2.1", "2.0"), values);
    }

    @Test
    void query_pages() {
        fill(clients);
        String sql = "SELECT device, time FROM sensors.readings ORDER BY device, time";
        List<List<String>> paged = new ArrayList<>();
        for (QueryResponse page : query.queryPaginator(request -> request.queryString(sql).maxRows(7))) {
            assertTrue(page.rows().size() <= 7);
            page.rows().forEach(row -> paged.add(Answers.texts(row)));
        }
        assertEquals(30, paged.size());
        assertEquals(rowsOf(clients, sql), paged);
        var forged = refused(ValidationException.class, 400,
                () -> query.query(request -> request.queryString(sql).nextToken("bm90IGEgdG9rZW4")));
        assertTrue(text(forged).contains("Invalid pagination token"), text(forged));
    }

    @Test
    void query_status() {
        fill(clients);
        String sql = "SELECT count(*) FROM sensors.readings WHERE device = 'd1'";
        QueryResponse answer = query.query(request -> request.queryString(sql));
        // observed
        assertEquals(10_000_000L, answer.queryStatus().cumulativeBytesMetered());
        assertTrue(answer.queryStatus().cumulativeBytesScanned() > 0);
        assertTrue(answer.queryId().matches("[A-Z0-9]{1,64}"), answer.queryId());
    }

    @Test
    void cancel_query() {
        // model: an unknown or finished query cannot be cancelled
        refused(ValidationException.class, 400,
                () -> query.cancelQuery(request -> request.queryId("AEDACANMQDLSTQR3SPDV6HEWYACX5")));
        fill(clients);
        String sql = "SELECT a.time FROM sensors.readings a, sensors.readings b, sensors.readings c";
        QueryResponse page = query.query(request -> request.queryString(sql).maxRows(1));
        query.cancelQuery(request -> request.queryId(page.queryId()));
        refused(ConflictException.class, 409,
                () -> query.query(request -> request.queryString(sql).maxRows(1).nextToken(page.nextToken())));
    }

    @Test
    void show_and_describe() {
        fill(clients);
        assertEquals(List.of(List.of("sensors")), rowsOf(clients, "SHOW DATABASES"));
        assertEquals(List.of(List.of("readings")), rowsOf(clients, "SHOW TABLES FROM \"sensors\" LIKE 'read%'"));
        assertEquals(
                List.of(List.of("temperature", "double", "[(device, varchar)]")),
                rowsOf(clients, "SHOW MEASURES FROM sensors.readings"));
        Answers.Result described = queryAll(clients, "DESCRIBE sensors.readings");
        assertEquals(List.of("Column", "Type", "Timestream attribute type"), described.columnNames());
        assertEquals(
                List.of(
                        List.of("device", "varchar", "DIMENSION"),
                        List.of("measure_name", "varchar", "MEASURE_NAME"),
                        List.of("time", "timestamp", "TIMESTAMP"),
                        List.of("measure_value::double", "double", "MEASURE_VALUE")),
                described.rows());
    }

    @Test
    void empty_table() {
        makeTable(clients);
        Answers.Result result = queryAll(clients, "SELECT * FROM sensors.readings");
        // observed
        assertEquals(List.of("measure_name", "time"), result.columnNames());
        assertEquals(List.of(), result.rows());
    }

    @Test
    void prepare_query() {
        fill(clients);
        String sql = "SELECT device AS d, count(*) FROM sensors.readings WHERE time > @since GROUP BY device";
        PrepareQueryResponse prepared = query.prepareQuery(request -> request.queryString(sql).validateOnly(true));
        assertEquals(sql, prepared.queryString());
        SelectColumn device = SelectColumn.builder()
                .name("d")
                .type(scalar(ScalarType.VARCHAR))
                .databaseName("sensors")
                .tableName("readings")
                .aliased(true)
                .build();
        assertEquals(2, prepared.columns().size());
        assertEquals(device, prepared.columns().get(0));
        assertEquals(scalar(ScalarType.BIGINT), prepared.columns().get(1).type());
        assertEquals(1, prepared.parameters().size());
        assertEquals(scalar(ScalarType.TIMESTAMP), prepared.parameters().get(0).type());
    }

    @Test
    void query_errors() {
        fill(clients);
        // observed
        Map<String, String> messages = Map.of(
                "SELECT nope FROM sensors.readings",
                "line 1:8: Column 'nope' does not exist",
                "SHOW TABLES FROM net-example",
                "The query syntax is invalid at line 1:21",
                "DESCRIBE \"sensors\".\"unknown\"",
                "The table 'unknown' does not exist in database 'sensors' at line 1:1",
                "DESCRIBE \"unknown\".\"readings\"",
                "Requested database 'unknown' not found for identifier 'unknown.readings' at line 1:1");
        messages.forEach((sql, message) -> {
            var exception = refused(ValidationException.class, 400,
                    () -> query.query(request -> request.queryString(sql)));
            assertEquals(message, text(exception));
        });
    }
}
