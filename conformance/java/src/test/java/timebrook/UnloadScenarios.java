package timebrook;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static timebrook.Answers.queryAll;
import static timebrook.Answers.rowsOf;
import static timebrook.Readings.fill;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** UNLOAD to the S3 endpoint of the same server. */
class UnloadScenarios {
    private static final Pattern RESULT_FILE = Pattern.compile("\"url\"\\s*:\\s*\"(s3://[^\"]+)\"");

    private final Clients clients = Clients.fresh();

    @Test
    void unload() throws IOException {
        fill(clients);
        String bucket = "unload-" + clients.account();
        Server.fetch("PUT", "/" + bucket);
        String sql = "SELECT device, time, measure_value::double AS value FROM sensors.readings";
        String target = "'s3://" + bucket + "/out'";
        Answers.Result result = queryAll(
                clients, "UNLOAD (" + sql + ") TO " + target + " WITH (format = 'CSV', compression = 'GZIP')");
        // guide: export-unload-concepts.html
        assertEquals(List.of("rows", "metadataFile", "manifestFile"), result.columnNames());
        assertEquals("30", result.rows().get(0).get(0));

        String manifest = new String(object(result.rows().get(0).get(2)), UTF_8);
        List<String> files =
                RESULT_FILE.matcher(manifest).results().map((MatchResult match) -> match.group(1)).toList();
        List<String> unloaded = new ArrayList<>();
        for (String file : files) {
            try (var unpacked = new GZIPInputStream(new ByteArrayInputStream(object(file)))) {
                unloaded.addAll(new String(unpacked.readAllBytes(), UTF_8).lines().toList());
            }
        }
        // None of the values has a comma or a quotation mark.
        List<String> queried = rowsOf(clients, sql).stream().map(row -> String.join(",", row)).sorted().toList();
        assertEquals(queried, unloaded.stream().sorted().toList());
    }

    /** What an s3:// address names, read in path style. */
    private static byte[] object(String address) {
        return Server.fetch("GET", address.replaceFirst("^s3:/", ""));
    }
}
