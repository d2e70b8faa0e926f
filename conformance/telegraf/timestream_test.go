// Package telegraf writes metrics with Telegraf's own timestream output, configured and fed as Telegraf does it, and reads them
// back with the AWS SDK for Go. The server's address is in TIMEBROOK_URL; no other test may use that server meanwhile, because
// one of these makes faults.
package telegraf

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/timestreamquery"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite"
	"github.com/influxdata/telegraf"
	"github.com/influxdata/telegraf/logger"
	"github.com/influxdata/telegraf/metric"
	"github.com/influxdata/telegraf/plugins/outputs/timestream"
	"github.com/influxdata/toml"
)

const region = "us-east-1"

// How the plugin comes to the server's address: by its setting endpoint_url, by AWS_ENDPOINT_URL alone, and by endpoint_url over
// TLS with the authority in AWS_CA_BUNDLE.
var modes = []string{"explicit", "environment", "tls"}

var ctx = context.Background()

// An account of the test's own with the database `metrics`, and clients to look into it without the plugin.
type world struct {
	mode, url, account string
	write              *timestreamwrite.Client
	query              *timestreamquery.Client
}

func eachMode(t *testing.T, run func(*testing.T, *world)) {
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) { run(t, newWorld(t, mode)) })
	}
}

func newWorld(t *testing.T, mode string) *world {
	t.Helper()
	url := strings.TrimSuffix(os.Getenv("TIMEBROOK_URL"), "/")
	if url == "" {
		t.Fatal("TIMEBROOK_URL is not set: start a server and give its address, or run scripts/compat")
	}
	number, err := rand.Int(rand.Reader, big.NewInt(900_000_000_000))
	check(t, err)
	account := fmt.Sprint(number.Int64() + 100_000_000_000)
	loaded, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithBaseEndpoint(url),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(account, "secret", "")))
	check(t, err)
	w := &world{mode, url, account, timestreamwrite.NewFromConfig(loaded), timestreamquery.NewFromConfig(loaded)}
	_, err = w.write.CreateDatabase(ctx, &timestreamwrite.CreateDatabaseInput{DatabaseName: aws.String("metrics")})
	check(t, err)
	return w
}

// The plugin with settings as they are in telegraf.conf, connected.
func (w *world) output(t *testing.T, settings string) *timestream.Timestream {
	t.Helper()
	plugin := w.unconnected(t, settings)
	check(t, plugin.Connect())
	return plugin
}

func (w *world) unconnected(t *testing.T, settings string) *timestream.Timestream {
	t.Helper()
	settings += fmt.Sprintf("\nregion = %q\naccess_key = %q\nsecret_key = \"secret\"\n", region, w.account)
	switch w.mode {
	case "explicit":
		settings += fmt.Sprintf("endpoint_url = %q\n", w.url)
	case "environment":
		t.Setenv("AWS_ENDPOINT_URL", w.url)
	case "tls":
		settings += fmt.Sprintf("endpoint_url = %q\n", strings.Replace(w.url, "http://", "https://", 1))
		t.Setenv("AWS_CA_BUNDLE", w.authority(t))
	}
	plugin := &timestream.Timestream{Log: logger.New("outputs", "timestream", "")}
	check(t, toml.Unmarshal([]byte(settings), plugin))
	return plugin
}

// A file with the certificate of the server's authority.
func (w *world) authority(t *testing.T) string {
	t.Helper()
	response, err := http.Get(w.url + "/_timebrook/ca.pem")
	check(t, err)
	defer response.Body.Close()
	certificate, err := io.ReadAll(response.Body)
	check(t, err)
	path := filepath.Join(t.TempDir(), "ca.pem")
	check(t, os.WriteFile(path, certificate, 0o600))
	return path
}

type (
	tags   = map[string]string
	fields = map[string]any
)

// Metrics of two measurements now: every type of field, different tags, times of different precision.
func mixed(now time.Time) []telegraf.Metric {
	return []telegraf.Metric{
		metric.New("cpu", tags{"host": "a", "cpu": "cpu0"}, fields{"idle": 97.5, "user": 2, "up": true, "state": `run, "fast"`}, now),
		metric.New("cpu", tags{"host": "b", "cpu": "cpu0"}, fields{"idle": 50.0, "user": 50, "up": false, "state": "wait"},
			now.Add(time.Nanosecond)),
		metric.New("mem", tags{"host": "a"}, fields{"used": uint64(math.MaxUint64), "free": -3}, now),
	}
}

// A metric of one host with the field `free`.
func disk(host string, free int, at time.Time) telegraf.Metric {
	return metric.New("disk", tags{"host": host}, fields{"free": free}, at)
}

// The rows of a query as texts, all pages of them; a null is NULL.
func (w *world) rows(t *testing.T, sql string) [][]string {
	t.Helper()
	rows := [][]string{}
	pages := timestreamquery.NewQueryPaginator(w.query, &timestreamquery.QueryInput{QueryString: &sql})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		check(t, err)
		for _, row := range page.Rows {
			texts := []string{}
			for _, datum := range row.Data {
				if aws.ToBool(datum.NullValue) {
					texts = append(texts, "NULL")
				} else {
					texts = append(texts, aws.ToString(datum.ScalarValue))
				}
			}
			rows = append(rows, texts)
		}
	}
	return rows
}

func (w *world) tables(t *testing.T) []string {
	t.Helper()
	names := []string{}
	listed, err := w.write.ListTables(ctx, &timestreamwrite.ListTablesInput{DatabaseName: aws.String("metrics")})
	check(t, err)
	for _, table := range listed.Tables {
		names = append(names, *table.TableName)
	}
	return names
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, got, expected any) {
	t.Helper()
	if !reflect.DeepEqual(got, expected) {
		t.Fatalf("\n     got %v\nexpected %v", got, expected)
	}
}

// The plugin's settings for the database, those that let it create its tables, and those given.
func settings(own ...string) string {
	return strings.Join(append(own,
		`database_name = "metrics"`,
		`create_table_if_not_exists = true`,
		`create_table_magnetic_store_retention_period_in_days = 365`,
		`create_table_memory_store_retention_period_in_hours = 24`,
		`create_table_tags = {stage = "test"}`,
	), "\n")
}

func TestSingleTable(t *testing.T) {
	eachMode(t, func(t *testing.T, w *world) {
		plugin := w.output(t, settings(
			`mapping_mode = "single-table"`, `single_table_name = "all"`,
			`single_table_dimension_name_for_telegraf_measurement_name = "namespace"`,
		))
		check(t, plugin.Write(mixed(time.Now())))
		equal(t, w.tables(t), []string{"all"})
		equal(t, w.rows(t, `SELECT namespace, host, cpu, measure_name, measure_value::double, measure_value::bigint,
			measure_value::boolean, measure_value::varchar FROM metrics."all" ORDER BY 1, 2, 4`), [][]string{
			{"cpu", "a", "cpu0", "idle", "97.5", "NULL", "NULL", "NULL"},
			{"cpu", "a", "cpu0", "state", "NULL", "NULL", "NULL", `run, "fast"`},
			{"cpu", "a", "cpu0", "up", "NULL", "NULL", "true", "NULL"},
			{"cpu", "a", "cpu0", "user", "NULL", "2", "NULL", "NULL"},
			{"cpu", "b", "cpu0", "idle", "50.0", "NULL", "NULL", "NULL"},
			{"cpu", "b", "cpu0", "state", "NULL", "NULL", "NULL", "wait"},
			{"cpu", "b", "cpu0", "up", "NULL", "NULL", "false", "NULL"},
			{"cpu", "b", "cpu0", "user", "NULL", "50", "NULL", "NULL"},
			{"mem", "a", "NULL", "free", "NULL", "-3", "NULL", "NULL"},
			// The plugin writes the largest BIGINT for what is above it.
			{"mem", "a", "NULL", "used", "NULL", "9223372036854775807", "NULL", "NULL"},
		})
	})
}

func TestSingleTableMultiMeasure(t *testing.T) {
	eachMode(t, func(t *testing.T, w *world) {
		plugin := w.output(t, settings(
			`mapping_mode = "single-table"`, `single_table_name = "all"`, `use_multi_measure_records = true`,
		))
		check(t, plugin.Write(mixed(time.Now())))
		equal(t, w.rows(t, `SELECT measure_name, host, idle, user, up, state, used, free FROM metrics."all" ORDER BY 1, 2`),
			[][]string{
				{"cpu", "a", "97.5", "2", "true", `run, "fast"`, "NULL", "NULL"},
				{"cpu", "b", "50.0", "50", "false", "wait", "NULL", "NULL"},
				{"mem", "a", "NULL", "NULL", "NULL", "NULL", "9223372036854775807", "-3"},
			})
	})
}

func TestMultiTable(t *testing.T) {
	eachMode(t, func(t *testing.T, w *world) {
		now := time.Now()
		plugin := w.output(t, settings(`mapping_mode = "multi-table"`))
		check(t, plugin.Write(mixed(now)))
		equal(t, w.tables(t), []string{"cpu", "mem"})
		equal(t, w.rows(t, "SELECT host, measure_name, measure_value::bigint FROM metrics.mem ORDER BY 2"), [][]string{
			{"a", "free", "-3"}, {"a", "used", "9223372036854775807"},
		})
		// Times keep their nanoseconds.
		first, second := now.UTC(), now.UTC().Add(time.Nanosecond)
		form := "2006-01-02 15:04:05.000000000"
		equal(t, w.rows(t, "SELECT host, time FROM metrics.cpu WHERE measure_name = 'idle' ORDER BY host"), [][]string{
			{"a", first.Format(form)}, {"b", second.Format(form)},
		})
	})
}

func TestMultiTableMultiMeasure(t *testing.T) {
	eachMode(t, func(t *testing.T, w *world) {
		plugin := w.output(t, settings(
			`mapping_mode = "multi-table"`, `use_multi_measure_records = true`, `measure_name_for_multi_measure_records = "telegraf"`,
		))
		check(t, plugin.Write(mixed(time.Now())))
		equal(t, w.rows(t, "SELECT measure_name, host, cpu, idle, user, up, state FROM metrics.cpu ORDER BY host"), [][]string{
			{"telegraf", "a", "cpu0", "97.5", "2", "true", `run, "fast"`},
			{"telegraf", "b", "cpu0", "50.0", "50", "false", "wait"},
		})
		equal(t, w.rows(t, "SELECT measure_name, host, used, free FROM metrics.mem"), [][]string{
			{"telegraf", "a", "9223372036854775807", "-3"},
		})
	})
}

func TestCreatedTable(t *testing.T) {
	eachMode(t, func(t *testing.T, w *world) {
		plugin := w.output(t, settings(`mapping_mode = "multi-table"`))
		check(t, plugin.Write([]telegraf.Metric{disk("a", 1, time.Now())}))
		told, err := w.write.DescribeTable(ctx, &timestreamwrite.DescribeTableInput{
			DatabaseName: aws.String("metrics"), TableName: aws.String("disk"),
		})
		check(t, err)
		equal(t, *told.Table.RetentionProperties.MemoryStoreRetentionPeriodInHours, int64(24))
		equal(t, *told.Table.RetentionProperties.MagneticStoreRetentionPeriodInDays, int64(365))
		tags, err := w.write.ListTagsForResource(ctx, &timestreamwrite.ListTagsForResourceInput{ResourceARN: told.Table.Arn})
		check(t, err)
		equal(t, len(tags.Tags), 1)
		equal(t, [2]string{*tags.Tags[0].Key, *tags.Tags[0].Value}, [2]string{"stage", "test"})
	})
}

// 2,500 records, a hundred a request, on several goroutines.
func TestManyMetrics(t *testing.T) {
	eachMode(t, func(t *testing.T, w *world) {
		now := time.Now()
		batch := []telegraf.Metric{}
		for i := range 1_250 {
			at := now.Add(-time.Duration(i) * time.Millisecond)
			batch = append(batch, metric.New("load", tags{"host": fmt.Sprint(i % 10)}, fields{"real": float64(i), "whole": i}, at))
		}
		plugin := w.output(t, settings(`mapping_mode = "multi-table"`, `max_write_go_routines = 5`))
		// The table is created by the first request that misses it, while others miss it, too.
		check(t, plugin.Write(batch))
		equal(t, w.rows(t, "SELECT count(*), sum(measure_value::bigint), sum(measure_value::double) FROM metrics.load"), [][]string{
			{"2500", "780625", "780625.0"},
		})
		// What Telegraf sends once more because it saw no answer changes nothing.
		check(t, plugin.Write(batch))
		equal(t, w.rows(t, "SELECT count(*) FROM metrics.load"), [][]string{{"2500"}})
	})
}

// Of a batch with one metric that is too old the others are kept; Telegraf drops what was rejected.
func TestRejectedRecords(t *testing.T) {
	eachMode(t, func(t *testing.T, w *world) {
		plugin := w.output(t, settings(`mapping_mode = "multi-table"`))
		now := time.Now()
		check(t, plugin.Write([]telegraf.Metric{disk("new", 1, now), disk("old", 2, now.Add(-72*time.Hour))}))
		equal(t, w.rows(t, "SELECT host FROM metrics.disk"), [][]string{{"new"}})
	})
}

func TestWithoutTheTable(t *testing.T) {
	eachMode(t, func(t *testing.T, w *world) {
		plugin := w.output(t, "database_name = \"metrics\"\nmapping_mode = \"multi-table\"")
		check(t, plugin.Write([]telegraf.Metric{disk("a", 1, time.Now())}))
		equal(t, w.tables(t), []string{})
	})
}

func TestDatabaseIsLookedForAtTheStart(t *testing.T) {
	eachMode(t, func(t *testing.T, w *world) {
		asking := "mapping_mode = \"multi-table\"\ndescribe_database_on_start = true\ndatabase_name = "
		w.output(t, asking+`"metrics"`)
		err := w.unconnected(t, asking+`"none"`).Connect()
		if err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
			t.Fatalf("expected ResourceNotFoundException, not %v", err)
		}
	})
}

// A batch that is throttled more often than the SDK tries comes back to Telegraf, which writes it again.
func TestThrottledBatch(t *testing.T) {
	eachMode(t, func(t *testing.T, w *world) {
		plugin := w.output(t, settings(`mapping_mode = "multi-table"`))
		check(t, plugin.Write([]telegraf.Metric{disk("a", 1, time.Now())}))
		faults := `{"faults":[{"operation":"WriteRecords","effect":"throttle","count":3}]}`
		response, err := http.Post(w.url+"/_timebrook/faults", "application/json", strings.NewReader(faults))
		check(t, err)
		response.Body.Close()
		equal(t, response.StatusCode, http.StatusOK)
		batch := []telegraf.Metric{disk("b", 2, time.Now())}
		if err := plugin.Write(batch); err == nil || !strings.Contains(err.Error(), "ThrottlingException") {
			t.Fatalf("expected ThrottlingException, not %v", err)
		}
		check(t, plugin.Write(batch))
		equal(t, w.rows(t, "SELECT host FROM metrics.disk ORDER BY host"), [][]string{{"a"}, {"b"}})
	})
}
