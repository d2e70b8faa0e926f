// Package conformance runs the scenarios that every language's suite has through the AWS SDK for Go v2, in each way to reach
// the server. The server's address is in TIMEBROOK_URL.
package conformance

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/timestreamquery"
	querytypes "github.com/aws/aws-sdk-go-v2/service/timestreamquery/types"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite/types"
	"github.com/aws/smithy-go"
)

const region = "us-east-1"

// How a client comes to the server's address: given in code, by AWS_ENDPOINT_URL alone, and given in code over TLS.
var modes = []string{"explicit", "environment", "tls"}

type scenario struct {
	name string
	run  func(*testing.T, *client)
}

var passed, failed atomic.Int32

func TestMain(m *testing.M) {
	if os.Getenv("TIMEBROOK_URL") == "" {
		fmt.Fprintln(os.Stderr, "TIMEBROOK_URL is not set: start a server and give its address, or run scripts/test")
		os.Exit(2)
	}
	status := m.Run()
	fmt.Printf("%d passed, %d failed\n", passed.Load(), failed.Load())
	os.Exit(status)
}

func TestScenarios(t *testing.T) {
	for _, mode := range modes {
		for _, list := range [][]scenario{controlPlane, writes, queries} {
			for _, scenario := range list {
				t.Run(mode+"/"+scenario.name, func(t *testing.T) {
					defer func() {
						if t.Failed() {
							failed.Add(1)
						} else {
							passed.Add(1)
						}
					}()
					scenario.run(t, newClient(t, mode))
				})
			}
		}
	}
}

// Both services' clients in an account that nothing else uses: its own, empty world on the server.
type client struct {
	write   *timestreamwrite.Client
	query   *timestreamquery.Client
	account string
	url     string
}

var ctx = context.Background()

func newClient(t *testing.T, mode string) *client {
	t.Helper()
	url := strings.TrimSuffix(os.Getenv("TIMEBROOK_URL"), "/")
	account := freshAccount(t)
	options := []func(*config.LoadOptions) error{
		config.WithRegion(region),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(account, "secret", "")),
	}
	var endpoint *string
	switch mode {
	case "explicit":
		endpoint = &url
	case "environment":
		t.Setenv("AWS_ENDPOINT_URL", url)
	case "tls":
		endpoint = aws.String(strings.Replace(url, "http://", "https://", 1))
		options = append(options, config.WithHTTPClient(trusting(t, url)))
	}
	loaded := must(config.LoadDefaultConfig(ctx, options...))(t)
	return &client{
		write:   timestreamwrite.NewFromConfig(loaded, func(o *timestreamwrite.Options) { o.BaseEndpoint = either(endpoint, o.BaseEndpoint) }),
		query:   timestreamquery.NewFromConfig(loaded, func(o *timestreamquery.Options) { o.BaseEndpoint = either(endpoint, o.BaseEndpoint) }),
		account: account,
		url:     url,
	}
}

func either(given, other *string) *string {
	if given != nil {
		return given
	}
	return other
}

// An HTTP client that trusts the server's own certificate authority and no other.
func trusting(t *testing.T, url string) *awshttp.BuildableClient {
	t.Helper()
	response := must(http.Get(url + "/_timebrook/ca.pem"))(t)
	defer response.Body.Close()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(must(io.ReadAll(response.Body))(t)) {
		t.Fatal("the server hands out no certificate authority")
	}
	return awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	})
}

func freshAccount(t *testing.T) string {
	t.Helper()
	number := must(rand.Int(rand.Reader, big.NewInt(900_000_000_000)))(t)
	return strconv.FormatInt(number.Int64()+100_000_000_000, 10)
}

// The value, or the test ends with the error.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func equal(t *testing.T, found, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(found, wanted) {
		t.Fatalf("found %#v\nwanted %#v", found, wanted)
	}
}

// Expects a call to be refused with that error name and HTTP status; returns the error's text.
func refused(t *testing.T, err error, name string, status int) string {
	t.Helper()
	var known smithy.APIError
	var response *awshttp.ResponseError
	if !errors.As(err, &known) || !errors.As(err, &response) {
		t.Fatalf("wanted %s, found %v", name, err)
	}
	equal(t, known.ErrorCode(), name)
	equal(t, response.HTTPStatusCode(), status)
	return known.ErrorMessage()
}

// Creates the database `sensors` with the table `readings`, whose memory store holds a day.
func (c *client) makeTable(t *testing.T) {
	t.Helper()
	must(c.write.CreateDatabase(ctx, &timestreamwrite.CreateDatabaseInput{DatabaseName: aws.String("sensors")}))(t)
	must(c.write.CreateTable(ctx, &timestreamwrite.CreateTableInput{
		DatabaseName:        aws.String("sensors"),
		TableName:           aws.String("readings"),
		RetentionProperties: retention(24, 7),
	}))(t)
}

func retention(hours, days int64) *types.RetentionProperties {
	return &types.RetentionProperties{
		MemoryStoreRetentionPeriodInHours:  aws.Int64(hours),
		MagneticStoreRetentionPeriodInDays: aws.Int64(days),
	}
}

// A single-measure record of one device.
func reading(atMs int64, value string, changes ...func(*types.Record)) types.Record {
	record := types.Record{
		Dimensions:   []types.Dimension{{Name: aws.String("device"), Value: aws.String("d1")}},
		MeasureName:  aws.String("temperature"),
		MeasureValue: aws.String(value),
		Time:         aws.String(strconv.FormatInt(atMs, 10)),
	}
	for _, change := range changes {
		change(&record)
	}
	return record
}

func version(version int64) func(*types.Record) {
	return func(record *types.Record) { record.Version = aws.Int64(version) }
}

// WriteRecords into `sensors.readings`.
func (c *client) put(common *types.Record, records ...types.Record) (*timestreamwrite.WriteRecordsOutput, error) {
	return c.write.WriteRecords(ctx, &timestreamwrite.WriteRecordsInput{
		DatabaseName:     aws.String("sensors"),
		TableName:        aws.String("readings"),
		CommonAttributes: common,
		Records:          records,
	})
}

// A Datum as the .slt files print it.
func text(t *testing.T, datum querytypes.Datum) string {
	t.Helper()
	texts := func(cells []querytypes.Datum) string {
		parts := make([]string, len(cells))
		for i, cell := range cells {
			parts[i] = text(t, cell)
		}
		return strings.Join(parts, ", ")
	}
	switch {
	case datum.ScalarValue != nil:
		return *datum.ScalarValue
	case aws.ToBool(datum.NullValue):
		return "NULL"
	case datum.ArrayValue != nil:
		return "[" + texts(datum.ArrayValue) + "]"
	case datum.RowValue != nil:
		return "(" + texts(datum.RowValue.Data) + ")"
	case datum.TimeSeriesValue != nil:
		points := make([]string, len(datum.TimeSeriesValue))
		for i, point := range datum.TimeSeriesValue {
			points[i] = "(" + *point.Time + ", " + text(t, *point.Value) + ")"
		}
		return "[" + strings.Join(points, ", ") + "]"
	}
	t.Fatalf("not a Datum: %#v", datum)
	return ""
}

// The columns and all rows of a query, page by page.
func (c *client) rows(t *testing.T, sql string, rowsMax *int32) ([]querytypes.ColumnInfo, [][]string) {
	t.Helper()
	var columns []querytypes.ColumnInfo
	rows := [][]string{}
	pages := timestreamquery.NewQueryPaginator(c.query, &timestreamquery.QueryInput{QueryString: &sql, MaxRows: rowsMax})
	for pages.HasMorePages() {
		page := must(pages.NextPage(ctx))(t)
		if rowsMax != nil && len(page.Rows) > int(*rowsMax) {
			t.Fatalf("a page of %d rows", len(page.Rows))
		}
		columns = page.ColumnInfo
		for _, row := range page.Rows {
			cells := make([]string, len(row.Data))
			for i, datum := range row.Data {
				cells[i] = text(t, datum)
			}
			rows = append(rows, cells)
		}
	}
	return columns, rows
}

func (c *client) expectRows(t *testing.T, sql string, wanted [][]string) {
	t.Helper()
	_, rows := c.rows(t, sql, nil)
	equal(t, rows, wanted)
}
