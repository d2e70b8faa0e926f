package conformance

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/timestreamquery"
	query "github.com/aws/aws-sdk-go-v2/service/timestreamquery/types"
	write "github.com/aws/aws-sdk-go-v2/service/timestreamwrite/types"
)

// Query, PrepareQuery, CancelQuery, statements about tables.
var queries = []scenario{
	{"query_every_datum_type", queryEveryDatumType},
	{"query_time_series", queryTimeSeries},
	{"query_pages", queryPages},
	{"query_status", queryStatus},
	{"cancel_query", cancelQuery},
	{"show_and_describe", showAndDescribe},
	{"empty_table", emptyTable},
	{"prepare_query", prepareQuery},
	{"query_errors", queryErrors},
}

// fill makes a table with 30 readings of three devices, one a minute and device, the newest now.
func fill(t *testing.T, c clients) {
	t.Helper()
	makeTable(t, c)
	now := nowMs()
	records := make([]write.Record, 30)
	for i := range records {
		device, minute := i/10, i%10
		records[i] = reading(now-int64(minute)*60_000, fmt.Sprintf("%d.%d", device, minute))
		records[i].Dimensions[0].Value = aws.String(fmt.Sprintf("d%d", device))
	}
	call(t, c.write.WriteRecords, intoReadings(records...))
}

func columnNames(columns []query.ColumnInfo) []string {
	names := []string{}
	for _, column := range columns {
		names = append(names, *column.Name)
	}
	return names
}

func queryEveryDatumType(t *testing.T, c clients) {
	columns, rows := queryAll(t, c,
		"SELECT 1 AS i, 'two' AS v, timestamp '2020-08-08 01:00' AS ts, interval '2' day - interval '3' hour AS ds, "+
			"interval '3' year - interval '5' month AS ym, time '01:00' AS t, date '2020-08-08' AS d, "+
			"2147483648 AS b, 1e10 AS x, true AS f, NULL AS n, ARRAY[1, NULL, 3] AS a, ROW(1, 'a') AS r")
	equal(t, columnNames(columns), []string{"i", "v", "ts", "ds", "ym", "t", "d", "b", "x", "f", "n", "a", "r"})
	types := []query.ScalarType{}
	for _, column := range columns {
		types = append(types, column.Type.ScalarType)
	}
	// observed: the first seven. An array and a row have no scalar type.
	equal(t, types, []query.ScalarType{
		query.ScalarTypeInteger, query.ScalarTypeVarchar, query.ScalarTypeTimestamp,
		query.ScalarTypeIntervalDayToSecond, query.ScalarTypeIntervalYearToMonth, query.ScalarTypeTime,
		query.ScalarTypeDate, query.ScalarTypeBigint, query.ScalarTypeDouble, query.ScalarTypeBoolean,
		query.ScalarTypeUnknown, "", "",
	})
	equal(t, columns[11].Type.ArrayColumnInfo.Type.ScalarType, query.ScalarTypeInteger)
	equal(t, len(columns[12].Type.RowColumnInfo), 2)
	equal(t, rows, [][]string{{
		"1",
		"two",
		"2020-08-08 01:00:00.000000000",
		"1 21:00:00.000000000",
		"2-7",
		"01:00:00.000000000",
		"2020-08-08",
		"2147483648",
		"1.0E10",
		"true",
		"NULL",
		"[1, NULL, 3]",
		"(1, a)",
	}})
}

func queryTimeSeries(t *testing.T, c clients) {
	fill(t, c)
	columns, rows := queryAll(t, c,
		"SELECT CREATE_TIME_SERIES(time, measure_value::double) AS series FROM sensors.readings "+
			"WHERE device = 'd2' AND time > ago(150s)")
	series := columns[0].Type.TimeSeriesMeasureValueColumnInfo
	equal(t, series.Type.ScalarType, query.ScalarTypeDouble)
	found := []string{}
	for _, match := range regexp.MustCompile(`, (\d\.\d)\)`).FindAllStringSubmatch(rows[0][0], -1) {
		found = append(found, match[1])
	}
	equal(t, found, []string{"2.2", "2.1", "2.0"})
}

func queryPages(t *testing.T, c clients) {
	fill(t, c)
	sql := "SELECT device, time FROM sensors.readings ORDER BY device, time"
	paged := [][]string{}
	paginator := timestreamquery.NewQueryPaginator(
		c.query, &timestreamquery.QueryInput{QueryString: &sql, MaxRows: aws.Int32(7)},
	)
	for paginator.HasMorePages() {
		page, err := paginator.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Rows) > 7 {
			t.Fatalf("%d rows in a page of 7", len(page.Rows))
		}
		for _, row := range page.Rows {
			paged = append(paged, rowTexts(t, row.Data))
		}
	}
	equal(t, len(paged), 30)
	equal(t, paged, rowsOf(t, c, sql))
	forged := refused[*query.ValidationException](t, 400, c.query.Query,
		&timestreamquery.QueryInput{QueryString: &sql, NextToken: aws.String("bm90IGEgdG9rZW4")})
	contains(t, forged.ErrorMessage(), "Invalid pagination token")
}

func queryStatus(t *testing.T, c clients) {
	fill(t, c)
	answer := call(t, c.query.Query, &timestreamquery.QueryInput{
		QueryString: aws.String("SELECT count(*) FROM sensors.readings WHERE device = 'd1'"),
	})
	// observed
	equal(t, answer.QueryStatus.CumulativeBytesMetered, 10_000_000)
	if answer.QueryStatus.CumulativeBytesScanned <= 0 {
		t.Fatalf("scanned %d", answer.QueryStatus.CumulativeBytesScanned)
	}
	if !regexp.MustCompile("^[A-Z0-9]{1,64}$").MatchString(*answer.QueryId) {
		t.Fatalf("not a query id: %s", *answer.QueryId)
	}
}

func cancelQuery(t *testing.T, c clients) {
	// model: an unknown or finished query cannot be cancelled
	unknown := &timestreamquery.CancelQueryInput{QueryId: aws.String("AEDACANMQDLSTQR3SPDV6HEWYACX5")}
	refused[*query.ValidationException](t, 400, c.query.CancelQuery, unknown)
	fill(t, c)
	input := &timestreamquery.QueryInput{
		QueryString: aws.String("SELECT a.time FROM sensors.readings a, sensors.readings b, sensors.readings c"),
		MaxRows:     aws.Int32(1),
	}
	page := call(t, c.query.Query, input)
	call(t, c.query.CancelQuery, &timestreamquery.CancelQueryInput{QueryId: page.QueryId})
	input.NextToken = page.NextToken
	refused[*query.ConflictException](t, 409, c.query.Query, input)
}

func showAndDescribe(t *testing.T, c clients) {
	fill(t, c)
	equal(t, rowsOf(t, c, "SHOW DATABASES"), [][]string{{"sensors"}})
	equal(t, rowsOf(t, c, `SHOW TABLES FROM "sensors" LIKE 'read%'`), [][]string{{"readings"}})
	equal(t, rowsOf(t, c, "SHOW MEASURES FROM sensors.readings"), [][]string{
		{"temperature", "double", "[(device, varchar)]"},
	})
	columns, rows := queryAll(t, c, "DESCRIBE sensors.readings")
	equal(t, columnNames(columns), []string{"Column", "Type", "Timestream attribute type"})
	equal(t, rows, [][]string{
		{"device", "varchar", "DIMENSION"},
		{"measure_name", "varchar", "MEASURE_NAME"},
		{"time", "timestamp", "TIMESTAMP"},
		{"measure_value::double", "double", "MEASURE_VALUE"},
	})
}

func emptyTable(t *testing.T, c clients) {
	makeTable(t, c)
	columns, rows := queryAll(t, c, "SELECT * FROM sensors.readings")
	// observed
	equal(t, columnNames(columns), []string{"measure_name", "time"})
	equal(t, rows, [][]string{})
}

func prepareQuery(t *testing.T, c clients) {
	fill(t, c)
	sql := "SELECT device AS d, count(*) FROM sensors.readings WHERE time > @since GROUP BY device"
	prepared := call(t, c.query.PrepareQuery, &timestreamquery.PrepareQueryInput{
		QueryString: &sql, ValidateOnly: aws.Bool(true),
	})
	equal(t, *prepared.QueryString, sql)
	equal(t, len(prepared.Columns), 2)
	equal(t, prepared.Columns[0], query.SelectColumn{
		Name:         aws.String("d"),
		Type:         &query.Type{ScalarType: query.ScalarTypeVarchar},
		DatabaseName: aws.String("sensors"),
		TableName:    aws.String("readings"),
		Aliased:      aws.Bool(true),
	})
	equal(t, prepared.Columns[1].Type, &query.Type{ScalarType: query.ScalarTypeBigint})
	equal(t, len(prepared.Parameters), 1)
	equal(t, prepared.Parameters[0].Type, &query.Type{ScalarType: query.ScalarTypeTimestamp})
}

func queryErrors(t *testing.T, c clients) {
	fill(t, c)
	// observed
	for _, expected := range []struct{ sql, message string }{
		{"SELECT nope FROM sensors.readings", "line 1:8: Column 'nope' does not exist"},
		{"SHOW TABLES FROM net-example", "The query syntax is invalid at line 1:21"},
		{
			`DESCRIBE "sensors"."unknown"`,
			"The table 'unknown' does not exist in database 'sensors' at line 1:1",
		},
		{
			`DESCRIBE "unknown"."readings"`,
			"Requested database 'unknown' not found for identifier 'unknown.readings' at line 1:1",
		},
	} {
		input := &timestreamquery.QueryInput{QueryString: &expected.sql}
		exception := refused[*query.ValidationException](t, 400, c.query.Query, input)
		equal(t, exception.ErrorMessage(), expected.message)
	}
}
