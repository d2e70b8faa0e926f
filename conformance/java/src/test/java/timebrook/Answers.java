package timebrook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.function.Executable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.timestreamquery.model.ColumnInfo;
import software.amazon.awssdk.services.timestreamquery.model.Datum;
import software.amazon.awssdk.services.timestreamquery.model.QueryResponse;
import software.amazon.awssdk.services.timestreamquery.model.Row;

/** What scenarios ask of answers. */
final class Answers {
    private Answers() {}

    /** Expects a call to be refused with that exception of the SDK and that HTTP status; returns the exception. */
    static <E extends AwsServiceException> E refused(Class<E> kind, int status, Executable call) {
        E exception = assertThrowsExactly(kind, call);
        assertEquals(status, exception.statusCode(), exception.getMessage());
        return exception;
    }

    /** The service's own text, to which the SDK adds the request id. */
    static String text(AwsServiceException exception) {
        return exception.awsErrorDetails().errorMessage();
    }

    /** The columns and all rows of a query. */
    record Result(List<ColumnInfo> columns, List<List<String>> rows) {
        List<String> columnNames() {
            return columns.stream().map(ColumnInfo::name).toList();
        }
    }

    /** Runs a query, following NextToken to its end. */
    static Result queryAll(Clients clients, String sql) {
        List<List<String>> rows = new ArrayList<>();
        String token = null;
        QueryResponse answer;
        do {
            String from = token;
            answer = clients.query().query(request -> request.queryString(sql).nextToken(from));
            answer.rows().forEach(row -> rows.add(texts(row)));
            token = answer.nextToken();
        } while (token != null);
        return new Result(answer.columnInfo(), rows);
    }

    /** All rows of a query as text. */
    static List<List<String>> rowsOf(Clients clients, String sql) {
        return queryAll(clients, sql).rows();
    }

    static List<String> texts(Row row) {
        return row.data().stream().map(Answers::text).toList();
    }

    /** A Datum as the .slt files print it. */
    static String text(Datum datum) {
        if (datum.scalarValue() != null) {
            return datum.scalarValue();
        }
        if (Boolean.TRUE.equals(datum.nullValue())) {
            return "NULL";
        }
        if (datum.hasArrayValue()) {
            return datum.arrayValue().stream().map(Answers::text).collect(Collectors.joining(", ", "[", "]"));
        }
        if (datum.rowValue() != null) {
            return texts(datum.rowValue()).stream().collect(Collectors.joining(", ", "(", ")"));
        }
        if (datum.hasTimeSeriesValue()) {
            return datum.timeSeriesValue().stream()
                    .map(point -> "(" + point.time() + ", " + text(point.value()) + ")")
                    .collect(Collectors.joining(", ", "[", "]"));
        }
        throw new AssertionError("not a Datum: " + datum);
    }
}
