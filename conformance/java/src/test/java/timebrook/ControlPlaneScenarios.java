package timebrook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static timebrook.Answers.refused;
import static timebrook.Answers.text;
import static timebrook.Readings.makeTable;

import java.util.List;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.timestreamwrite.TimestreamWriteClient;
import software.amazon.awssdk.services.timestreamwrite.model.ConflictException;
import software.amazon.awssdk.services.timestreamwrite.model.Database;
import software.amazon.awssdk.services.timestreamwrite.model.ListTablesResponse;
import software.amazon.awssdk.services.timestreamwrite.model.MagneticStoreWriteProperties;
import software.amazon.awssdk.services.timestreamwrite.model.PartitionKey;
import software.amazon.awssdk.services.timestreamwrite.model.PartitionKeyEnforcementLevel;
import software.amazon.awssdk.services.timestreamwrite.model.PartitionKeyType;
import software.amazon.awssdk.services.timestreamwrite.model.ResourceNotFoundException;
import software.amazon.awssdk.services.timestreamwrite.model.RetentionProperties;
import software.amazon.awssdk.services.timestreamwrite.model.S3EncryptionOption;
import software.amazon.awssdk.services.timestreamwrite.model.Schema;
import software.amazon.awssdk.services.timestreamwrite.model.Table;
import software.amazon.awssdk.services.timestreamwrite.model.TableStatus;
import software.amazon.awssdk.services.timestreamwrite.model.Tag;
import software.amazon.awssdk.services.timestreamwrite.model.ValidationException;

/** Databases, tables, tags. */
class ControlPlaneScenarios {
    private final Clients clients = Clients.fresh();
    private final TimestreamWriteClient write = clients.write();

    private String arn(String resource) {
        return "arn:aws:timestream:" + Clients.REGION + ":" + clients.account() + ":" + resource;
    }

    private Database describeSensors() {
        return write.describeDatabase(request -> request.databaseName("sensors")).database();
    }

    private static RetentionProperties retention(long memoryHours, long magneticDays) {
        return RetentionProperties.builder()
                .memoryStoreRetentionPeriodInHours(memoryHours)
                .magneticStoreRetentionPeriodInDays(magneticDays)
                .build();
    }

    private static Schema partitionedBy(PartitionKey key) {
        return Schema.builder().compositePartitionKey(key).build();
    }

    @Test
    void create_describe_delete_database() {
        Database created = write.createDatabase(request -> request.databaseName("sensors")).database();
        assertEquals(arn("database/sensors"), created.arn());
        assertEquals(0L, created.tableCount());
        String key = "arn:aws:kms:" + Clients.REGION + ":" + clients.account() + ":key/[0-9a-f-]{36}";
        assertTrue(created.kmsKeyId().matches(key), created.kmsKeyId());
        assertNotNull(created.creationTime());
        assertEquals(created, describeSensors());
        write.deleteDatabase(request -> request.databaseName("sensors"));
        var gone = refused(ResourceNotFoundException.class, 404, this::describeSensors);
        assertEquals("The database sensors does not exist.", text(gone));
    }

    @Test
    void update_database() {
        write.createDatabase(request -> request.databaseName("sensors").kmsKeyId("alias/first"));
        write.updateDatabase(request -> request.databaseName("sensors").kmsKeyId("alias/second"));
        assertEquals("alias/second", describeSensors().kmsKeyId());
    }

    @Test
    void create_table_with_defaults() {
        write.createDatabase(request -> request.databaseName("sensors"));
        Table table = write.createTable(request -> request.databaseName("sensors").tableName("readings")).table();
        assertEquals(arn("database/sensors/table/readings"), table.arn());
        assertEquals(TableStatus.ACTIVE, table.tableStatus());
        // guide: ts-limits.html
        assertEquals(retention(6, 73000), table.retentionProperties());
        assertEquals(
                MagneticStoreWriteProperties.builder().enableMagneticStoreWrites(false).build(),
                table.magneticStoreWriteProperties());
        // guide: customer-defined-partition-keys.html
        assertEquals(
                partitionedBy(PartitionKey.builder().type(PartitionKeyType.MEASURE).build()), table.schema());
    }

    @Test
    void create_table_with_settings() {
        var late = MagneticStoreWriteProperties.builder()
                .enableMagneticStoreWrites(true)
                .magneticStoreRejectedDataLocation(location -> location.s3Configuration(
                        s3 -> s3.bucketName("rejected").encryptionOption(S3EncryptionOption.SSE_S3)))
                .build();
        Schema schema = partitionedBy(PartitionKey.builder()
                .type(PartitionKeyType.DIMENSION)
                .name("device")
                .enforcementInRecord(PartitionKeyEnforcementLevel.REQUIRED)
                .build());
        write.createDatabase(request -> request.databaseName("sensors"));
        Table table = write.createTable(request -> request.databaseName("sensors")
                        .tableName("readings")
                        .retentionProperties(retention(24, 365))
                        .magneticStoreWriteProperties(late)
                        .schema(schema))
                .table();
        assertEquals(retention(24, 365), table.retentionProperties());
        assertEquals(late, table.magneticStoreWriteProperties());
        assertEquals(schema, table.schema());
    }

    @Test
    void update_table() {
        makeTable(clients);
        write.updateTable(request -> request.databaseName("sensors")
                .tableName("readings")
                .retentionProperties(retention(48, 1825)));
        Table table =
                write.describeTable(request -> request.databaseName("sensors").tableName("readings")).table();
        assertEquals(retention(48, 1825), table.retentionProperties());
        assertEquals(false, table.magneticStoreWriteProperties().enableMagneticStoreWrites());
    }

    @Test
    void list_databases_in_pages() {
        for (String name : List.of("ddd", "aaa", "ccc", "bbb", "eee")) {
            write.createDatabase(request -> request.databaseName(name));
        }
        List<List<String>> pages = write.listDatabasesPaginator(request -> request.maxResults(2)).stream()
                .map(page -> page.databases().stream().map(Database::databaseName).toList())
                .toList();
        assertEquals(List.of(List.of("aaa", "bbb"), List.of("ccc", "ddd"), List.of("eee")), pages);
    }

    @Test
    void list_tables_in_pages() {
        write.createDatabase(request -> request.databaseName("first"));
        for (String name : List.of("ccc", "aaa", "bbb")) {
            write.createTable(request -> request.databaseName("first").tableName(name));
        }
        ListTablesResponse first = write.listTables(request -> request.databaseName("first").maxResults(2));
        assertEquals(List.of("aaa", "bbb"), first.tables().stream().map(Table::tableName).toList());
        ListTablesResponse last = write.listTables(
                request -> request.databaseName("first").maxResults(2).nextToken(first.nextToken()));
        assertEquals(List.of("ccc"), last.tables().stream().map(Table::tableName).toList());
        assertNull(last.nextToken());
        refused(ResourceNotFoundException.class, 404,
                () -> write.listTables(request -> request.databaseName("unknown")));
    }

    @Test
    void tag_and_untag() {
        makeTable(clients);
        String table = arn("database/sensors/table/readings");
        Tag test = Tag.builder().key("stage").value("test").build();
        Tag live = Tag.builder().key("stage").value("live").build();
        Tag blue = Tag.builder().key("team").value("blue").build();
        write.tagResource(request -> request.resourceARN(table).tags(test, blue));
        write.tagResource(request -> request.resourceARN(table).tags(live));
        write.untagResource(request -> request.resourceARN(table).tagKeys("team"));
        assertEquals(List.of(live), write.listTagsForResource(request -> request.resourceARN(table)).tags());
    }

    @Test
    void conflict_and_not_found() {
        makeTable(clients);
        var again = refused(ConflictException.class, 409,
                () -> write.createTable(request -> request.databaseName("sensors").tableName("readings")));
        // observed
        assertEquals(
                "Timestream was unable to process this request because it contains resource that already exists.",
                text(again));
        var missing = refused(ResourceNotFoundException.class, 404,
                () -> write.describeTable(request -> request.databaseName("sensors").tableName("unknown")));
        assertEquals("The table unknown does not exist.", text(missing));
    }

    @Test
    void delete_database_with_tables() {
        makeTable(clients);
        refused(ValidationException.class, 400,
                () -> write.deleteDatabase(request -> request.databaseName("sensors")));
    }

    @Test
    void constraint_violations() {
        // model + observed wording
        var spaced = refused(ValidationException.class, 400,
                () -> write.createDatabase(request -> request.databaseName("a b")));
        assertEquals(
                "1 validation error detected: Value 'a b' at 'databaseName' failed to satisfy constraint: "
                        + "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                text(spaced));
        var missing = refused(ValidationException.class, 400, () -> write.createDatabase(request -> {}));
        assertEquals(
                "1 validation error detected: Value null at 'databaseName' failed to satisfy constraint: "
                        + "Member must not be null",
                text(missing));
    }
}
