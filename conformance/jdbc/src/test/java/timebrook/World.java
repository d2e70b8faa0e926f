package timebrook;

import com.amazonaws.ClientConfiguration;
import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.timestreamquery.AmazonTimestreamQuery;
import com.amazonaws.services.timestreamquery.AmazonTimestreamQueryClient;
import com.amazonaws.services.timestreamwrite.AmazonTimestreamWrite;
import com.amazonaws.services.timestreamwrite.AmazonTimestreamWriteClient;
import com.amazonaws.services.timestreamwrite.model.CreateDatabaseRequest;
import com.amazonaws.services.timestreamwrite.model.CreateTableRequest;
import com.amazonaws.services.timestreamwrite.model.Dimension;
import com.amazonaws.services.timestreamwrite.model.Record;
import com.amazonaws.services.timestreamwrite.model.WriteRecordsRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.apache.http.conn.ssl.SSLConnectionSocketFactory;

/** Both services' clients in an account of their own, built as the driver builds its one. */
final class World {
    final AmazonTimestreamWrite write;
    final AmazonTimestreamQuery query;

    /** Takes `explicit` or `tls`, the ways that the driver's property `Endpoint` gives. */
    World(String mode) {
        String url = System.getenv("TIMEBROOK_URL");
        if (url == null) {
            throw new IllegalStateException(
                    "TIMEBROOK_URL is not set: start a server and give its address, or run scripts/compat");
        }
        url = url.replaceFirst("/$", "");
        ClientConfiguration configuration = new ClientConfiguration();
        String endpoint = url;
        if (mode.equals("tls")) {
            endpoint = url.replaceFirst("^http://", "https://");
            configuration
                    .getApacheHttpClientConfig()
                    .setSslSocketFactory(new SSLConnectionSocketFactory(trusting(url)));
        }
        String account = Long.toString(ThreadLocalRandom.current().nextLong(100_000_000_000L, 1_000_000_000_000L));
        var credentials = new AWSStaticCredentialsProvider(new BasicAWSCredentials(account, "secret"));
        var address = new EndpointConfiguration(endpoint, "us-east-1");
        query = AmazonTimestreamQueryClient.builder()
                .withClientConfiguration(configuration)
                .withEndpointConfiguration(address)
                .withCredentials(credentials)
                .build();
        write = AmazonTimestreamWriteClient.builder()
                .withClientConfiguration(configuration)
                .withEndpointConfiguration(address)
                .withCredentials(credentials)
                .build();
    }

    /** Creates the tables `sensors.readings` and `sensors.rest` and writes a reading a minute of three devices, ten of each. */
    void fill() {
        write.createDatabase(new CreateDatabaseRequest().withDatabaseName("sensors"));
        for (String table : List.of("readings", "rest")) {
            write.createTable(new CreateTableRequest().withDatabaseName("sensors").withTableName(table));
        }
        long now = System.currentTimeMillis();
        List<Record> records = new ArrayList<>();
        for (int device = 0; device < 3; device++) {
            for (int minute = 0; minute < 10; minute++) {
                records.add(new Record()
                        .withDimensions(new Dimension().withName("device").withValue("d" + device))
                        .withMeasureName("temperature")
                        .withMeasureValue(device + "." + minute)
                        .withTime(Long.toString(now - minute * 60_000L)));
            }
        }
        write.writeRecords(new WriteRecordsRequest()
                .withDatabaseName("sensors")
                .withTableName("readings")
                .withRecords(records));
    }

    /** What trusts the certificate authority that the server hands out, and no other. */
    private static SSLContext trusting(String url) {
        try {
            byte[] pem = HttpClient.newHttpClient()
                    .send(HttpRequest.newBuilder(URI.create(url + "/_timebrook/ca.pem")).build(), BodyHandlers.ofByteArray())
                    .body();
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            store.setCertificateEntry(
                    "timebrook",
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem)));
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, factory.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException | InterruptedException failure) {
            throw new IllegalStateException("no certificate authority", failure);
        }
    }
}
