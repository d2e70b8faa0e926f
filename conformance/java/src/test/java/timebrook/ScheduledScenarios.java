package timebrook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static timebrook.Answers.refused;
import static timebrook.Answers.rowsOf;
import static timebrook.Readings.fill;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.timestreamquery.TimestreamQueryClient;
import software.amazon.awssdk.services.timestreamquery.model.CreateScheduledQueryRequest;
import software.amazon.awssdk.services.timestreamquery.model.DimensionMapping;
import software.amazon.awssdk.services.timestreamquery.model.DimensionValueType;
import software.amazon.awssdk.services.timestreamquery.model.MultiMeasureAttributeMapping;
import software.amazon.awssdk.services.timestreamquery.model.ResourceNotFoundException;
import software.amazon.awssdk.services.timestreamquery.model.ScalarMeasureValueType;
import software.amazon.awssdk.services.timestreamquery.model.ScheduledQuery;
import software.amazon.awssdk.services.timestreamquery.model.ScheduledQueryDescription;
import software.amazon.awssdk.services.timestreamquery.model.ScheduledQueryRunStatus;
import software.amazon.awssdk.services.timestreamquery.model.ScheduledQueryRunSummary;
import software.amazon.awssdk.services.timestreamquery.model.ScheduledQueryState;
import software.amazon.awssdk.services.timestreamquery.model.TargetConfiguration;

/** A scheduled query from its creation to its deletion. */
class ScheduledScenarios {
    private final Clients clients = Clients.fresh();
    private final TimestreamQueryClient query = clients.query();

    @Test
    void scheduled_query() {
        fill(clients);
        clients.write().createTable(request -> request.databaseName("sensors").tableName("means"));
        String arn = query.createScheduledQuery(meansOfReadings()).arn();
        List<String> listed = query.listScheduledQueries(request -> {}).scheduledQueries().stream()
                .map(ScheduledQuery::arn)
                .toList();
        assertEquals(List.of(arn), listed);
        ScheduledQueryDescription described = describe(arn);
        assertEquals(ScheduledQueryState.ENABLED, described.state());
        assertEquals(target(), described.targetConfiguration());
        assertNull(described.lastRunSummary());

        query.executeScheduledQuery(request -> request.scheduledQueryArn(arn).invocationTime(Instant.now()));
        ScheduledQueryRunSummary run = lastRun(arn);
        assertEquals(ScheduledQueryRunStatus.MANUAL_TRIGGER_SUCCESS, run.runStatus());
        assertEquals(3L, run.executionStats().queryResultRows());
        assertEquals(3L, run.executionStats().recordsIngested());
        assertEquals(
                List.of(
                        List.of("d0", "temperatures", "0.45", "10"),
                        List.of("d1", "temperatures", "1.45", "10"),
                        List.of("d2", "temperatures", "2.45", "10")),
                rowsOf(clients, "SELECT device, measure_name, mean, n FROM sensors.means ORDER BY device"));

        query.deleteScheduledQuery(request -> request.scheduledQueryArn(arn));
        refused(ResourceNotFoundException.class, 404, () -> describe(arn));
    }

    private ScheduledQueryDescription describe(String arn) {
        return query.describeScheduledQuery(request -> request.scheduledQueryArn(arn)).scheduledQuery();
    }

    /** Asks until a run has ended, for a minute at most. */
    private ScheduledQueryRunSummary lastRun(String arn) {
        Instant deadline = Instant.now().plus(Duration.ofMinutes(1));
        while (Instant.now().isBefore(deadline)) {
            ScheduledQueryRunSummary run = describe(arn).lastRunSummary();
            if (run != null) {
                return run;
            }
        }
        throw new AssertionError("no run ended within a minute");
    }

    /** A query that is first run on its own in a day, longer than any test takes. */
    private CreateScheduledQueryRequest meansOfReadings() {
        String sql = "SELECT device, max(time) AS newest, round(avg(measure_value::double), 2) AS mean, count(*) AS n "
                + "FROM sensors.readings WHERE time BETWEEN @scheduled_runtime - 1h AND @scheduled_runtime + 1m "
                + "GROUP BY device";
        return CreateScheduledQueryRequest.builder()
                .name("means")
                .queryString(sql)
                .scheduleConfiguration(schedule -> schedule.scheduleExpression("rate(1 day)"))
                .notificationConfiguration(notification -> notification.snsConfiguration(
                        sns -> sns.topicArn("arn:aws:sns:us-east-1:" + clients.account() + ":runs")))
                .errorReportConfiguration(report -> report.s3Configuration(s3 -> s3.bucketName("reports")))
                .scheduledQueryExecutionRoleArn("arn:aws:iam::" + clients.account() + ":role/runner")
                .targetConfiguration(target())
                .build();
    }

    private static TargetConfiguration target() {
        DimensionMapping device = DimensionMapping.builder()
                .name("device")
                .dimensionValueType(DimensionValueType.VARCHAR)
                .build();
        return TargetConfiguration.builder()
                .timestreamConfiguration(timestream -> timestream.databaseName("sensors")
                        .tableName("means")
                        .timeColumn("newest")
                        .dimensionMappings(device)
                        .multiMeasureMappings(measures -> measures.targetMultiMeasureName("temperatures")
                                .multiMeasureAttributeMappings(
                                        measure("mean", ScalarMeasureValueType.DOUBLE),
                                        measure("n", ScalarMeasureValueType.BIGINT))))
                .build();
    }

    private static MultiMeasureAttributeMapping measure(String column, ScalarMeasureValueType type) {
        return MultiMeasureAttributeMapping.builder().sourceColumn(column).measureValueType(type).build();
    }
}
