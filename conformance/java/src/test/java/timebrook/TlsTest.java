package timebrook;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.URI;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.timestreamwrite.TimestreamWriteClient;

/** A certificate that only the server's own authority vouches for. */
class TlsTest {
    @Test
    void clients_that_do_not_know_the_authority_do_not_trust_the_server() {
        try (var http = UrlConnectionHttpClient.create();
                var write = TimestreamWriteClient.builder()
                        .region(Clients.REGION)
                        .credentialsProvider(AnonymousCredentialsProvider.create())
                        .endpointOverride(URI.create(Server.tlsUrl()))
                        .httpClient(http)
                        .overrideConfiguration(settings -> settings.retryStrategy(DefaultRetryStrategy.doNotRetry()))
                        .build()) {
            var exception = assertThrows(SdkClientException.class, () -> write.listDatabases(request -> {}));
            assertInstanceOf(SSLHandshakeException.class, exception.getCause());
        }
    }
}
