package timebrook;

import java.net.URI;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.timestreamquery.TimestreamQueryClient;
import software.amazon.awssdk.services.timestreamwrite.TimestreamWriteClient;

/** The clients of both services, in an account of their own: an empty world on the server. */
record Clients(String account, TimestreamWriteClient write, TimestreamQueryClient query) {
    static final Region REGION = Region.US_EAST_1;

    /** How the clients come to the server's address; the system property timebrook.mode says which. */
    enum Mode {
        /** An endpoint given in code. */
        EXPLICIT,
        /** Nothing but AWS_ENDPOINT_URL in the environment. */
        ENVIRONMENT,
        /** An endpoint given in code, over TLS on the same port. */
        TLS;

        static Mode current() {
            return valueOf(System.getProperty("timebrook.mode", "").toUpperCase(Locale.ROOT));
        }
    }

    private static final Mode MODE = Mode.current();
    // One for all clients, since the certificate authority is the same for all.
    private static final SdkHttpClient HTTP = httpClient();

    /** Clients in an account that nothing else uses. */
    static Clients fresh() {
        String account = Long.toString(ThreadLocalRandom.current().nextLong(100_000_000_000L, 1_000_000_000_000L));
        return new Clients(
                account,
                configured(TimestreamWriteClient.builder().httpClient(HTTP), account).build(),
                configured(TimestreamQueryClient.builder().httpClient(HTTP), account).build());
    }

    private static <B extends AwsClientBuilder<B, C>, C> B configured(B builder, String account) {
        builder.region(REGION)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(account, "secret")));
        return switch (MODE) {
            case EXPLICIT -> builder.endpointOverride(URI.create(Server.url()));
            case ENVIRONMENT -> builder;
            case TLS -> builder.endpointOverride(URI.create(Server.tlsUrl()));
        };
    }

    private static SdkHttpClient httpClient() {
        UrlConnectionHttpClient.Builder builder = UrlConnectionHttpClient.builder();
        return MODE == Mode.TLS ? builder.tlsTrustManagersProvider(Server::trustManagers).build() : builder.build();
    }
}
