package timebrook;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** The server under test: the same port speaks HTTP and HTTPS. */
final class Server {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private Server() {}

    /** Its plain address, without a slash at its end. */
    static String url() {
        String url = System.getenv("TIMEBROOK_URL");
        if (url == null) {
            throw new IllegalStateException(
                    "TIMEBROOK_URL is not set: start a server and give its address, or run scripts/test");
        }
        return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
    }

    /** Its address over TLS. */
    static String tlsUrl() {
        return url().replaceFirst("^http://", "https://");
    }

    /** Sends a plain HTTP request without a body; the answer has to be a success. Returns its body. */
    static byte[] fetch(String method, String path) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url() + path))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build();
        try {
            HttpResponse<byte[]> answer = HTTP.send(request, BodyHandlers.ofByteArray());
            assertEquals(200, answer.statusCode(), () -> new String(answer.body()));
            return answer.body();
        } catch (IOException | InterruptedException failure) {
            throw new IllegalStateException(method + " " + path, failure);
        }
    }

    /** What trusts the certificate authority that the server hands out, and no other. */
    static TrustManager[] trustManagers() {
        byte[] pem = fetch("GET", "/_timebrook/ca.pem");
        try {
            Certificate authority =
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem));
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            store.setCertificateEntry("timebrook", authority);
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(store);
            return factory.getTrustManagers();
        } catch (GeneralSecurityException | IOException failure) {
            throw new IllegalStateException("not a certificate", failure);
        }
    }
}
