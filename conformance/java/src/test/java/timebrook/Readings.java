package timebrook;

import java.util.List;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.timestreamwrite.model.Dimension;
import software.amazon.awssdk.services.timestreamwrite.model.Record;
import software.amazon.awssdk.services.timestreamwrite.model.RecordsIngested;

/** The table that most scenarios work on, and its records. */
final class Readings {
    static final String DATABASE = "sensors";
    static final String TABLE = "readings";

    private Readings() {}

    /** Creates the database `sensors` with the table `readings`, whose memory store holds a day. */
    static void makeTable(Clients clients) {
        clients.write().createDatabase(request -> request.databaseName(DATABASE));
        clients.write().createTable(request -> request.databaseName(DATABASE)
                .tableName(TABLE)
                .retentionProperties(retention ->
                        retention.memoryStoreRetentionPeriodInHours(24L).magneticStoreRetentionPeriodInDays(7L)));
    }

    static Dimension dimension(String name, String value) {
        return Dimension.builder().name(name).value(value).build();
    }

    /** A single-measure record of the device d1, at a time in milliseconds since 1970. */
    static Record.Builder reading(long time, String value) {
        return Record.builder()
                .dimensions(dimension("device", "d1"))
                .measureName("temperature")
                .measureValue(value)
                .time(Long.toString(time));
    }

    /** WriteRecords into `sensors.readings`. */
    static RecordsIngested write(Clients clients, Record.Builder... records) {
        List<Record> built = List.of(records).stream().map(Record.Builder::build).toList();
        return clients.write()
                .writeRecords(request -> request.databaseName(DATABASE).tableName(TABLE).records(built))
                .recordsIngested();
    }

    /** A table with 30 readings of three devices, one a minute and device, the newest now. */
    static void fill(Clients clients) {
        makeTable(clients);
        long now = System.currentTimeMillis();
        write(clients, IntStream.range(0, 30)
                .mapToObj(i -> {
                    int device = i / 10;
                    int minute = i % 10;
                    return reading(now - minute * 60_000L, device + "." + minute)
                            .dimensions(dimension("device", "d" + device));
                })
                .toArray(Record.Builder[]::new));
    }
}
