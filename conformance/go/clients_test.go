// Package conformance runs the scenarios of ../scenarios.txt through the AWS SDK for Go v2, against the server whose
// address is in TIMEBROOK_URL.
package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/timestreamquery"
	query "github.com/aws/aws-sdk-go-v2/service/timestreamquery/types"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite"
	write "github.com/aws/aws-sdk-go-v2/service/timestreamwrite/types"
	"github.com/aws/smithy-go"
)

const region = "us-east-1"

// How the clients come to the server's address.
const (
	// An endpoint given in code.
	explicit = "explicit"
	// Nothing but AWS_ENDPOINT_URL in the environment.
	environment = "environment"
	// An endpoint given in code, over TLS on the same port, trusting the server's certificate authority and no other.
	overTLS = "tls"
)

// clients are those of both services, in an account of their own: an empty world on the server.
type clients struct {
	account string
	write   *timestreamwrite.Client
	query   *timestreamquery.Client
}

// scenario is one of the shared list, or one that is only Go's.
type scenario struct {
	name string
	run  func(*testing.T, clients)
}

func TestScenarios(t *testing.T) {
	for _, mode := range []string{explicit, environment, overTLS} {
		t.Run(mode, func(t *testing.T) {
			settings := settingsFor(t, mode)
			for _, group := range [][]scenario{controlPlane, writes, queries, endpoints, scheduled, unloads} {
				for _, scenario := range group {
					t.Run(scenario.name, func(t *testing.T) { scenario.run(t, newClients(t, settings)) })
				}
			}
			if mode == overTLS {
				t.Run("unknown_authority", func(t *testing.T) { unknownAuthority(t, settings) })
			}
		})
	}
}

// unknownAuthority expects a client that knows only the machine's authorities not to trust the server.
func unknownAuthority(t *testing.T, settings aws.Config) {
	settings.HTTPClient = http.DefaultClient
	settings.RetryMaxAttempts = 1
	_, err := newClients(t, settings).write.ListDatabases(t.Context(), &timestreamwrite.ListDatabasesInput{})
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Fatalf("expected an unknown authority, not %v", err)
	}
}

// serverURL returns the server's plain address, without a slash at its end.
func serverURL(t *testing.T) string {
	t.Helper()
	url := os.Getenv("TIMEBROOK_URL")
	if url == "" {
		t.Fatal("TIMEBROOK_URL is not set: start a server and give its address, or run scripts/test")
	}
	return strings.TrimSuffix(url, "/")
}

// settingsFor returns the SDK's settings for a way to come to the server, until the test ends.
func settingsFor(t *testing.T, mode string) aws.Config {
	t.Helper()
	url := serverURL(t)
	// Nothing of the person who runs this.
	for _, file := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(file, os.DevNull)
	}
	t.Setenv("AWS_PROFILE", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	if mode == environment {
		t.Setenv("AWS_ENDPOINT_URL", url)
	}
	settings, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(region))
	if err != nil {
		t.Fatal(err)
	}
	switch mode {
	case explicit:
		settings.BaseEndpoint = &url
	case overTLS:
		settings.BaseEndpoint = aws.String(strings.Replace(url, "http://", "https://", 1))
		settings.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
			transport.TLSClientConfig = &tls.Config{RootCAs: serverAuthority(t)}
		})
	}
	return settings
}

// serverAuthority returns the certificate authority that the server hands out, and no other.
func serverAuthority(t *testing.T) *x509.CertPool {
	t.Helper()
	status, pem := fetch(t, http.MethodGet, serverURL(t)+"/_timebrook/ca.pem")
	equal(t, status, http.StatusOK)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate: %q", pem)
	}
	return pool
}

// newClients makes both clients, in an account that nothing else uses.
func newClients(t *testing.T, settings aws.Config) clients {
	t.Helper()
	account := fmt.Sprint(100_000_000_000 + rand.Int64N(900_000_000_000))
	settings.Credentials = credentials.NewStaticCredentialsProvider(account, "secret", "")
	return clients{account, timestreamwrite.NewFromConfig(settings), timestreamquery.NewFromConfig(settings)}
}

// fetch sends a plain HTTP request without a body, and returns the status and the body of the answer.
func fetch(t *testing.T, method, url string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body
}

// An operation of a client: a method such as client.CreateDatabase.
type operation[Input, Output, Options any] func(context.Context, *Input, ...func(*Options)) (*Output, error)

// call calls an operation that has to succeed, and returns its answer.
func call[Input, Output, Options any](t *testing.T, run operation[Input, Output, Options], input *Input) *Output {
	t.Helper()
	output, err := run(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// refused calls an operation that has to fail with that exception of the SDK and that HTTP status; returns the error.
func refused[Exception smithy.APIError, Input, Output, Options any](
	t *testing.T, status int, run operation[Input, Output, Options], input *Input,
) Exception {
	t.Helper()
	_, err := run(t.Context(), input)
	var exception Exception
	if !errors.As(err, &exception) {
		t.Fatalf("expected %T, not %v", exception, err)
	}
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != status {
		t.Fatalf("expected HTTP %d, not %v", status, err)
	}
	return exception
}

// equal fails the test when two values, and all that they point to, are not alike.
func equal[Value any](t *testing.T, got, want Value) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %s\nwant %s", asText(got), asText(want))
	}
}

// asText shows what a value points to rather than where that is.
func asText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%#v", value)
	}
	return string(text)
}

// contains fails the test when a text lacks a part.
func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Fatalf("%q does not contain %q", text, part)
	}
}

// makeTable creates the database `sensors` with the table `readings`, whose memory store holds a day.
func makeTable(t *testing.T, c clients) {
	t.Helper()
	call(t, c.write.CreateDatabase, &timestreamwrite.CreateDatabaseInput{DatabaseName: aws.String("sensors")})
	call(t, c.write.CreateTable, &timestreamwrite.CreateTableInput{
		DatabaseName: aws.String("sensors"),
		TableName:    aws.String("readings"),
		RetentionProperties: &write.RetentionProperties{
			MemoryStoreRetentionPeriodInHours:  aws.Int64(24),
			MagneticStoreRetentionPeriodInDays: aws.Int64(7),
		},
	})
}

// reading is a single-measure record of the device d1, at a time in milliseconds since 1970.
func reading(time int64, value string) write.Record {
	return write.Record{
		Dimensions:   []write.Dimension{{Name: aws.String("device"), Value: aws.String("d1")}},
		MeasureName:  aws.String("temperature"),
		MeasureValue: &value,
		Time:         aws.String(fmt.Sprint(time)),
	}
}

// intoReadings is a WriteRecords request for `sensors.readings`.
func intoReadings(records ...write.Record) *timestreamwrite.WriteRecordsInput {
	return &timestreamwrite.WriteRecordsInput{
		DatabaseName: aws.String("sensors"),
		TableName:    aws.String("readings"),
		Records:      records,
	}
}

// datumText is a Datum as the .slt files print it.
func datumText(t *testing.T, datum query.Datum) string {
	t.Helper()
	var parts []string
	switch {
	case datum.ScalarValue != nil:
		return *datum.ScalarValue
	case aws.ToBool(datum.NullValue):
		return "NULL"
	case datum.ArrayValue != nil:
		return "[" + strings.Join(rowTexts(t, datum.ArrayValue), ", ") + "]"
	case datum.RowValue != nil:
		return "(" + strings.Join(rowTexts(t, datum.RowValue.Data), ", ") + ")"
	case datum.TimeSeriesValue != nil:
		for _, point := range datum.TimeSeriesValue {
			parts = append(parts, fmt.Sprintf("(%s, %s)", *point.Time, datumText(t, *point.Value)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	t.Fatalf("not a Datum: %s", asText(datum))
	return ""
}

func rowTexts(t *testing.T, data []query.Datum) []string {
	t.Helper()
	texts := make([]string, len(data))
	for i, datum := range data {
		texts[i] = datumText(t, datum)
	}
	return texts
}

// queryAll returns the columns and all rows of a query, following NextToken to its end.
func queryAll(t *testing.T, c clients, sql string) ([]query.ColumnInfo, [][]string) {
	t.Helper()
	input := &timestreamquery.QueryInput{QueryString: &sql}
	rows := [][]string{}
	for {
		answer := call(t, c.query.Query, input)
		for _, row := range answer.Rows {
			rows = append(rows, rowTexts(t, row.Data))
		}
		if answer.NextToken == nil {
			return answer.ColumnInfo, rows
		}
		input.NextToken = answer.NextToken
	}
}

// rowsOf returns all rows of a query as text.
func rowsOf(t *testing.T, c clients, sql string) [][]string {
	t.Helper()
	_, rows := queryAll(t, c, sql)
	return rows
}
