package timebrook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static timebrook.Answers.refused;

import java.util.List;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.timestreamquery.model.ResourceNotFoundException;

/** Endpoint discovery, and what nothing is there of yet. */
class EndpointsScenarios {
    private final Clients clients = Clients.fresh();

    @Test
    void describe_endpoints() {
        // The SDK takes the address with its scheme, and would take https without.
        String address = Clients.Mode.current() == Clients.Mode.TLS ? Server.tlsUrl() : Server.url();
        var forWrites = clients.write().describeEndpoints(request -> {}).endpoints();
        assertEquals(1, forWrites.size());
        assertEquals(address, forWrites.get(0).address());
        assertEquals(1440L, forWrites.get(0).cachePeriodInMinutes());
        var forQueries = clients.query().describeEndpoints(request -> {}).endpoints();
        assertEquals(1, forQueries.size());
        assertEquals(address, forQueries.get(0).address());
        assertEquals(1440L, forQueries.get(0).cachePeriodInMinutes());
    }

    @Test
    void nothing_scheduled_or_loaded() {
        assertEquals(List.of(), clients.write().listBatchLoadTasks(request -> {}).batchLoadTasks());
        assertEquals(List.of(), clients.query().listScheduledQueries(request -> {}).scheduledQueries());
        refused(software.amazon.awssdk.services.timestreamwrite.model.ResourceNotFoundException.class, 404,
                () -> clients.write().describeBatchLoadTask(
                        request -> request.taskId("9367BE28418C5EF902676482220B631C")));
        String arn = "arn:aws:timestream:us-east-1:000000000000:scheduled-query/hourly-80e05b035236a4c3";
        refused(ResourceNotFoundException.class, 404,
                () -> clients.query().describeScheduledQuery(request -> request.scheduledQueryArn(arn)));
    }
}
