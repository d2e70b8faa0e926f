package timebrook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static timebrook.Answers.refused;
import static timebrook.Answers.rowsOf;
import static timebrook.Answers.text;
import static timebrook.Readings.dimension;
import static timebrook.Readings.makeTable;
import static timebrook.Readings.reading;
import static timebrook.Readings.write;

import java.util.List;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.timestreamwrite.model.MeasureValue;
import software.amazon.awssdk.services.timestreamwrite.model.MeasureValueType;
import software.amazon.awssdk.services.timestreamwrite.model.Record;
import software.amazon.awssdk.services.timestreamwrite.model.RecordsIngested;
import software.amazon.awssdk.services.timestreamwrite.model.RejectedRecord;
import software.amazon.awssdk.services.timestreamwrite.model.RejectedRecordsException;
import software.amazon.awssdk.services.timestreamwrite.model.TimeUnit;
import software.amazon.awssdk.services.timestreamwrite.model.ValidationException;

/** WriteRecords. */
class WritesScenarios {
    private static final String VALUES = "SELECT measure_value::double FROM sensors.readings ORDER BY time";
    private static final long DAY_MS = 86_400_000;

    private final Clients clients = Clients.fresh();
    private final long now = System.currentTimeMillis();

    private static RecordsIngested ingested(int total, int memory, int magnetic) {
        return RecordsIngested.builder().total(total).memoryStore(memory).magneticStore(magnetic).build();
    }

    private static MeasureValue measure(String name, String value, MeasureValueType type) {
        return MeasureValue.builder().name(name).value(value).type(type).build();
    }

    private RejectedRecordsException rejected(Record.Builder... records) {
        return refused(RejectedRecordsException.class, 419, () -> write(clients, records));
    }

    private static List<Integer> indexes(RejectedRecordsException exception) {
        return exception.rejectedRecords().stream().map(RejectedRecord::recordIndex).toList();
    }

    @Test
    void write_single_measures() {
        makeTable(clients);
        RecordsIngested counts = write(clients,
                reading(now, "21.5"),
                reading(now, "42").measureName("count").measureValueType(MeasureValueType.BIGINT),
                reading(now, "true").measureName("open").measureValueType(MeasureValueType.BOOLEAN),
                reading(now, "café ☕").measureName("note").measureValueType(MeasureValueType.VARCHAR));
        assertEquals(ingested(4, 4, 0), counts);
        String sql = "SELECT measure_name, \"measure_value::double\", measure_value::bigint, measure_value::boolean, "
                + "measure_value::varchar FROM \"sensors\".\"readings\" ORDER BY measure_name";
        assertEquals(
                List.of(
                        List.of("count", "NULL", "42", "NULL", "NULL"),
                        List.of("note", "NULL", "NULL", "NULL", "café ☕"),
                        List.of("open", "NULL", "NULL", "true", "NULL"),
                        List.of("temperature", "21.5", "NULL", "NULL", "NULL")),
                rowsOf(clients, sql));
    }

    @Test
    void write_multi_measures() {
        makeTable(clients);
        RecordsIngested counts = write(clients, Record.builder()
                .dimensions(dimension("host", "h1"))
                .measureName("metrics")
                .measureValueType(MeasureValueType.MULTI)
                .measureValues(
                        measure("load", "0.5", MeasureValueType.DOUBLE),
                        measure("requests", "9007199254740993", MeasureValueType.BIGINT),
                        measure("healthy", "false", MeasureValueType.BOOLEAN),
                        measure("version", "1.2.3", MeasureValueType.VARCHAR),
                        measure("booted", "0", MeasureValueType.TIMESTAMP))
                .time(Long.toString(now)));
        assertEquals(ingested(1, 1, 0), counts);
        String sql = "SELECT host, measure_name, load, requests, healthy, version, booted FROM sensors.readings";
        assertEquals(
                List.of(List.of(
                        "h1", "metrics", "0.5", "9007199254740993", "false", "1.2.3", "1970-01-01 00:00:00.000000000")),
                rowsOf(clients, sql));
    }

    @Test
    void common_attributes() {
        makeTable(clients);
        Record common = Record.builder()
                .dimensions(dimension("host", "h1"))
                .time(Long.toString(now / 1000))
                .timeUnit(TimeUnit.SECONDS)
                .build();
        Record.Builder record = Record.builder().measureName("cpu").measureValue("1");
        writeWith(common, record.dimensions(dimension("slot", "s2")).build());
        String sql = "SELECT host, slot, measure_name, measure_value::double FROM sensors.readings "
                + "WHERE time > ago(1m)";
        assertEquals(List.of(List.of("h1", "s2", "cpu", "1.0")), rowsOf(clients, sql));
        // model: overlapping dimensions fail the whole request
        Record overlapping = record.dimensions(dimension("host", "other")).build();
        refused(ValidationException.class, 400, () -> writeWith(common, overlapping));
    }

    private void writeWith(Record common, Record record) {
        clients.write().writeRecords(request ->
                request.databaseName("sensors").tableName("readings").commonAttributes(common).records(record));
    }

    @Test
    void record_versions() {
        makeTable(clients);
        write(clients, reading(now, "1").version(2L));
        write(clients, reading(now, "1").version(2L));
        var same = rejected(reading(now, "7").version(2L));
        assertEquals(List.of(0), indexes(same));
        assertNull(same.rejectedRecords().get(0).existingVersion());
        write(clients, reading(now, "5").version(200L));
        var lower = rejected(reading(now, "9").version(2L));
        // observed
        RejectedRecord expected = RejectedRecord.builder()
                .recordIndex(0)
                .reason("The record version 2 is lower than the existing version 200. "
                        + "A higher version is required to update the measure value.")
                .existingVersion(200L)
                .build();
        assertEquals(List.of(expected), lower.rejectedRecords());
        assertEquals(List.of(List.of("5.0")), rowsOf(clients, VALUES));
    }

    @Test
    void rejected_records() {
        makeTable(clients);
        var exception = rejected(reading(now, "1"), reading(now - 3 * DAY_MS, "2"), reading(now - 1, "3"));
        assertEquals("One or more records have been rejected. See RejectedRecords for details.", text(exception));
        assertEquals(List.of(1), indexes(exception));
        String reason = exception.rejectedRecords().get(0).reason();
        String pattern = "The record timestamp is outside the time range \\[\\S+Z, \\S+Z\\) of the memory store\\.";
        assertTrue(reason.matches(pattern), reason);
        assertEquals(List.of(List.of("3.0"), List.of("1.0")), rowsOf(clients, VALUES));
    }

    @Test
    void duplicates_in_one_request() {
        makeTable(clients);
        var exception = rejected(reading(now, "1"), reading(now, "1"), reading(now, "2"));
        assertEquals(List.of(2), indexes(exception));
        assertEquals(List.of(List.of("1.0")), rowsOf(clients, VALUES));
    }

    @Test
    void late_records_to_the_magnetic_store() {
        makeTable(clients);
        clients.write().updateTable(request -> request.databaseName("sensors")
                .tableName("readings")
                .retentionProperties(retention ->
                        retention.memoryStoreRetentionPeriodInHours(1L).magneticStoreRetentionPeriodInDays(3L))
                .magneticStoreWriteProperties(late -> late.enableMagneticStoreWrites(true)));
        assertEquals(ingested(2, 1, 1), write(clients, reading(now, "1"), reading(now - DAY_MS, "2")));
        assertEquals(List.of(List.of("2.0"), List.of("1.0")), rowsOf(clients, VALUES));
    }

    @Test
    void invalid_records() {
        makeTable(clients);
        Record.Builder bad = reading(now, "2").dimensions(List.of());
        var exception = refused(ValidationException.class, 400, () -> write(clients, reading(now, "1"), bad));
        // observed
        assertEquals("At least one dimension is required for a record.", text(exception));
        assertEquals(List.of(List.of("0")), rowsOf(clients, "SELECT count(*) FROM sensors.readings"));
    }
}
