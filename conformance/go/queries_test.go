package conformance

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/timestreamquery"
	querytypes "github.com/aws/aws-sdk-go-v2/service/timestreamquery/types"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite/types"
)

// A table with 30 readings of three devices, one a minute and device, the newest now.
func (c *client) fill(t *testing.T) {
	t.Helper()
	c.makeTable(t)
	now := time.Now().UnixMilli()
	records := []types.Record{}
	for i := range int64(30) {
		device := fmt.Sprintf("d%d", i/10)
		records = append(records, reading(now-i%10*60_000, fmt.Sprintf("%d.%d", i/10, i%10), func(record *types.Record) {
			record.Dimensions[0].Value = &device
		}))
	}
	must(c.put(nil, records...))(t)
}

func (c *client) ask(sql string, token *string, rowsMax *int32) (*timestreamquery.QueryOutput, error) {
	return c.query.Query(ctx, &timestreamquery.QueryInput{QueryString: &sql, NextToken: token, MaxRows: rowsMax})
}

func names(columns []querytypes.ColumnInfo) (names []string) {
	for _, column := range columns {
		names = append(names, aws.ToString(column.Name))
	}
	return names
}

// Query, PrepareQuery, CancelQuery, statements about tables, endpoint discovery.
var queries = []scenario{
	{"query_every_datum_type", func(t *testing.T, c *client) {
		columns, rows := c.rows(t, "SELECT 1 AS i, 'two' AS v, timestamp '2020-08-08 01:00' AS ts, "+
			"interval '2' day - interval '3' hour AS ds, interval '3' year - interval '5' month AS ym, time '01:00' AS t, "+
			"date '2020-08-08' AS d, 2147483648 AS b, 1e10 AS x, true AS f, NULL AS n, ARRAY[1, NULL, 3] AS a, ROW(1, 'a') AS r",
			nil)
		// observed: the first seven
		kinds := []string{
			"i INTEGER", "v VARCHAR", "ts TIMESTAMP", "ds INTERVAL_DAY_TO_SECOND", "ym INTERVAL_YEAR_TO_MONTH", "t TIME",
			"d DATE", "b BIGINT", "x DOUBLE", "f BOOLEAN", "n UNKNOWN",
		}
		for i, kind := range kinds {
			equal(t, *columns[i].Name+" "+string(columns[i].Type.ScalarType), kind)
		}
		equal(t, columns[11].Type.ArrayColumnInfo.Type.ScalarType, querytypes.ScalarTypeInteger)
		equal(t, len(columns[12].Type.RowColumnInfo), 2)
		equal(t, rows, [][]string{{
			"1", "two", "2020-08-08 01:00:00.000000000", "1 21:00:00.000000000", "2-7", "01:00:00.000000000", "2020-08-08",
			"2147483648", "1.0E10", "true", "NULL", "[1, NULL, 3]", "(1, a)",
		}})
	}},
	{"query_time_series", func(t *testing.T, c *client) {
		c.fill(t)
		columns, rows := c.rows(t, "SELECT CREATE_TIME_SERIES(time, measure_value::double) AS series FROM sensors.readings "+
			"WHERE device = 'd2' AND time > ago(150s)", nil)
		equal(t, columns[0].Type.TimeSeriesMeasureValueColumnInfo.Type.ScalarType, querytypes.ScalarTypeDouble)
		found := []string{}
		for _, match := range regexp.MustCompile(`, (\d\.\d)\)`).FindAllStringSubmatch(rows[0][0], -1) {
			found = append(found, match[1])
		}
		equal(t, found, []string{"2.2", "2.1", "2.0"})
	}},
	{"query_pages", func(t *testing.T, c *client) {
		c.fill(t)
		sql := "SELECT device, time FROM sensors.readings ORDER BY device, time"
		_, paged := c.rows(t, sql, aws.Int32(7))
		equal(t, len(paged), 30)
		c.expectRows(t, sql, paged)
		_, err := c.ask(sql, aws.String("bm90IGEgdG9rZW4"), nil)
		equal(t, strings.Contains(refused(t, err, "ValidationException", 400), "Invalid pagination token"), true)
	}},
	{"query_status", func(t *testing.T, c *client) {
		c.fill(t)
		answer := must(c.ask("SELECT count(*) FROM sensors.readings WHERE device = 'd1'", nil, nil))(t)
		// observed
		equal(t, answer.QueryStatus.CumulativeBytesMetered, int64(10_000_000))
		equal(t, answer.QueryStatus.CumulativeBytesScanned > 0, true)
		equal(t, regexp.MustCompile("^[A-Z0-9]{1,64}$").MatchString(*answer.QueryId), true)
	}},
	{"cancel_query", func(t *testing.T, c *client) {
		// model: an unknown or finished query cannot be cancelled
		cancel := &timestreamquery.CancelQueryInput{QueryId: aws.String("AEDACANMQDLSTQR3SPDV6HEWYACX5")}
		_, err := c.query.CancelQuery(ctx, cancel)
		refused(t, err, "ValidationException", 400)
		c.fill(t)
		sql := "SELECT a.time FROM sensors.readings a, sensors.readings b, sensors.readings c"
		page := must(c.ask(sql, nil, aws.Int32(1)))(t)
		must(c.query.CancelQuery(ctx, &timestreamquery.CancelQueryInput{QueryId: page.QueryId}))(t)
		_, err = c.ask(sql, page.NextToken, aws.Int32(1))
		refused(t, err, "ConflictException", 409)
	}},
	{"show_and_describe", func(t *testing.T, c *client) {
		c.fill(t)
		c.expectRows(t, "SHOW DATABASES", [][]string{{"sensors"}})
		c.expectRows(t, `SHOW TABLES FROM "sensors" LIKE 'read%'`, [][]string{{"readings"}})
		measures := [][]string{{"temperature", "double", "[(device, varchar)]"}}
		c.expectRows(t, "SHOW MEASURES FROM sensors.readings", measures)
		columns, rows := c.rows(t, "DESCRIBE sensors.readings", nil)
		equal(t, names(columns), []string{"Column", "Type", "Timestream attribute type"})
		equal(t, rows, [][]string{
			{"device", "varchar", "DIMENSION"},
			{"measure_name", "varchar", "MEASURE_NAME"},
			{"time", "timestamp", "TIMESTAMP"},
			{"measure_value::double", "double", "MEASURE_VALUE"},
		})
	}},
	{"empty_table", func(t *testing.T, c *client) {
		c.makeTable(t)
		columns, rows := c.rows(t, "SELECT * FROM sensors.readings", nil)
		// observed
		equal(t, names(columns), []string{"measure_name", "time"})
		equal(t, rows, [][]string{})
	}},
	{"prepare_query", func(t *testing.T, c *client) {
		c.fill(t)
		sql := "SELECT device AS d, count(*) FROM sensors.readings WHERE time > @since GROUP BY device"
		prepare := &timestreamquery.PrepareQueryInput{QueryString: &sql, ValidateOnly: aws.Bool(true)}
		prepared := must(c.query.PrepareQuery(ctx, prepare))(t)
		equal(t, *prepared.QueryString, sql)
		equal(t, prepared.Columns[0], querytypes.SelectColumn{
			Name:         aws.String("d"),
			Type:         &querytypes.Type{ScalarType: querytypes.ScalarTypeVarchar},
			DatabaseName: aws.String("sensors"),
			TableName:    aws.String("readings"),
			Aliased:      aws.Bool(true),
		})
		equal(t, prepared.Columns[1].Type.ScalarType, querytypes.ScalarTypeBigint)
		equal(t, len(prepared.Parameters), 1)
		equal(t, prepared.Parameters[0].Type.ScalarType, querytypes.ScalarTypeTimestamp)
	}},
	{"query_errors", func(t *testing.T, c *client) {
		c.fill(t)
		// observed
		for sql, text := range map[string]string{
			"SELECT nope FROM sensors.readings": "line 1:8: Column 'nope' does not exist",
			"SHOW TABLES FROM net-example":      "The query syntax is invalid at line 1:21",
			`DESCRIBE "sensors"."unknown"`:      "The table 'unknown' does not exist in database 'sensors' at line 1:1",
			`DESCRIBE "unknown"."readings"`: "Requested database 'unknown' not found for identifier 'unknown.readings' " +
				"at line 1:1",
		} {
			_, err := c.ask(sql, nil, nil)
			equal(t, refused(t, err, "ValidationException", 400), text)
		}
	}},
	{"describe_endpoints", func(t *testing.T, c *client) {
		found := must(c.query.DescribeEndpoints(ctx, &timestreamquery.DescribeEndpointsInput{}))(t).Endpoints
		// The SDK takes the address as a host with its port.
		host := must(url.Parse(c.url))(t).Host
		equal(t, found, []querytypes.Endpoint{{Address: &host, CachePeriodInMinutes: 1440}})
	}},
	{"nothing_scheduled_or_loaded", func(t *testing.T, c *client) {
		tasks := must(c.write.ListBatchLoadTasks(ctx, &timestreamwrite.ListBatchLoadTasksInput{}))(t)
		equal(t, len(tasks.BatchLoadTasks), 0)
		scheduled := must(c.query.ListScheduledQueries(ctx, &timestreamquery.ListScheduledQueriesInput{}))(t)
		equal(t, len(scheduled.ScheduledQueries), 0)
	}},
}
