package conformance

import (
	"errors"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite/types"
)

const (
	values = "SELECT measure_value::double FROM sensors.readings ORDER BY time"
	dayMs  = 86_400_000
)

func ingested(memory, magnetic int32) *types.RecordsIngested {
	return &types.RecordsIngested{Total: memory + magnetic, MemoryStore: memory, MagneticStore: magnetic}
}

// Expects records to be rejected; returns them.
func rejected(t *testing.T, err error) []types.RejectedRecord {
	t.Helper()
	text := refused(t, err, "RejectedRecordsException", 419)
	equal(t, text, "One or more records have been rejected. See RejectedRecords for details.")
	var rejection *types.RejectedRecordsException
	if !errors.As(err, &rejection) {
		t.Fatalf("not a modelled error: %v", err)
	}
	return rejection.RejectedRecords
}

func places(records []types.RejectedRecord) (places []int32) {
	for _, record := range records {
		places = append(places, record.RecordIndex)
	}
	return places
}

// WriteRecords.
var writes = []scenario{
	{"write_single_measures", func(t *testing.T, c *client) {
		c.makeTable(t)
		now := time.Now().UnixMilli()
		of := func(name string, kind types.MeasureValueType) func(*types.Record) {
			return func(record *types.Record) { record.MeasureName, record.MeasureValueType = &name, kind }
		}
		written := must(c.put(nil,
			reading(now, "21.5"),
			reading(now, "42", of("count", types.MeasureValueTypeBigint)),
			reading(now, "true", of("open", types.MeasureValueTypeBoolean)),
			reading(now, "café ☕", of("note", types.MeasureValueTypeVarchar)),
		))(t)
		equal(t, written.RecordsIngested, ingested(4, 0))
		sql := `SELECT measure_name, "measure_value::double", measure_value::bigint, measure_value::boolean, ` +
			`measure_value::varchar FROM "sensors"."readings" ORDER BY measure_name`
		c.expectRows(t, sql, [][]string{
			{"count", "NULL", "42", "NULL", "NULL"},
			{"note", "NULL", "NULL", "NULL", "café ☕"},
			{"open", "NULL", "NULL", "true", "NULL"},
			{"temperature", "21.5", "NULL", "NULL", "NULL"},
		})
	}},
	{"write_multi_measures", func(t *testing.T, c *client) {
		c.makeTable(t)
		value := func(name, value string, kind types.MeasureValueType) types.MeasureValue {
			return types.MeasureValue{Name: &name, Value: &value, Type: kind}
		}
		written := must(c.put(nil, types.Record{
			Dimensions:       []types.Dimension{{Name: aws.String("host"), Value: aws.String("h1")}},
			MeasureName:      aws.String("metrics"),
			MeasureValueType: types.MeasureValueTypeMulti,
			MeasureValues: []types.MeasureValue{
				value("load", "0.5", types.MeasureValueTypeDouble),
				value("requests", "9007199254740993", types.MeasureValueTypeBigint),
				value("healthy", "false", types.MeasureValueTypeBoolean),
				value("version", "1.2.3", types.MeasureValueTypeVarchar),
				value("booted", "0", types.MeasureValueTypeTimestamp),
			},
			Time: aws.String(strconv.FormatInt(time.Now().UnixMilli(), 10)),
		}))(t)
		equal(t, written.RecordsIngested, ingested(1, 0))
		sql := "SELECT host, measure_name, load, requests, healthy, version, booted FROM sensors.readings"
		c.expectRows(t, sql, [][]string{
			{"h1", "metrics", "0.5", "9007199254740993", "false", "1.2.3", "1970-01-01 00:00:00.000000000"},
		})
	}},
	{"common_attributes", func(t *testing.T, c *client) {
		c.makeTable(t)
		dimension := func(name, value string) []types.Dimension { return []types.Dimension{{Name: &name, Value: &value}} }
		common := &types.Record{
			Dimensions: dimension("host", "h1"),
			Time:       aws.String(strconv.FormatInt(time.Now().Unix(), 10)),
			TimeUnit:   types.TimeUnitSeconds,
		}
		record := types.Record{
			MeasureName: aws.String("cpu"), MeasureValue: aws.String("1"), Dimensions: dimension("slot", "s2"),
		}
		must(c.put(common, record))(t)
		sql := "SELECT host, slot, measure_name, measure_value::double FROM sensors.readings WHERE time > ago(1m)"
		c.expectRows(t, sql, [][]string{{"h1", "s2", "cpu", "1.0"}})
		// model: overlapping dimensions fail the whole request
		record.Dimensions = dimension("host", "other")
		_, err := c.put(common, record)
		refused(t, err, "ValidationException", 400)
	}},
	{"record_versions", func(t *testing.T, c *client) {
		c.makeTable(t)
		now := time.Now().UnixMilli()
		must(c.put(nil, reading(now, "1", version(2))))(t)
		must(c.put(nil, reading(now, "1", version(2))))(t)
		_, err := c.put(nil, reading(now, "7", version(2)))
		equal(t, rejected(t, err)[0].ExistingVersion, (*int64)(nil))
		must(c.put(nil, reading(now, "5", version(200))))(t)
		_, err = c.put(nil, reading(now, "9", version(2)))
		// observed
		equal(t, rejected(t, err), []types.RejectedRecord{{
			RecordIndex: 0,
			Reason: aws.String("The record version 2 is lower than the existing version 200. A higher version is required to " +
				"update the measure value."),
			ExistingVersion: aws.Int64(200),
		}})
		c.expectRows(t, values, [][]string{{"5.0"}})
	}},
	{"rejected_records", func(t *testing.T, c *client) {
		c.makeTable(t)
		now := time.Now().UnixMilli()
		_, err := c.put(nil, reading(now, "1"), reading(now-3*dayMs, "2"), reading(now-1, "3"))
		records := rejected(t, err)
		equal(t, places(records), []int32{1})
		reason := regexp.MustCompile(`^The record timestamp is outside the time range \[\S+Z, \S+Z\) of the memory store\.$`)
		equal(t, reason.MatchString(*records[0].Reason), true)
		c.expectRows(t, values, [][]string{{"3.0"}, {"1.0"}})
	}},
	{"duplicates_in_one_request", func(t *testing.T, c *client) {
		c.makeTable(t)
		now := time.Now().UnixMilli()
		_, err := c.put(nil, reading(now, "1"), reading(now, "1"), reading(now, "2"))
		equal(t, places(rejected(t, err)), []int32{2})
		c.expectRows(t, values, [][]string{{"1.0"}})
	}},
	{"late_records_to_the_magnetic_store", func(t *testing.T, c *client) {
		c.makeTable(t)
		must(c.write.UpdateTable(ctx, &timestreamwrite.UpdateTableInput{
			DatabaseName:                 aws.String("sensors"),
			TableName:                    aws.String("readings"),
			RetentionProperties:          retention(1, 3),
			MagneticStoreWriteProperties: &types.MagneticStoreWriteProperties{EnableMagneticStoreWrites: aws.Bool(true)},
		}))(t)
		now := time.Now().UnixMilli()
		written := must(c.put(nil, reading(now, "1"), reading(now-dayMs, "2")))(t)
		equal(t, written.RecordsIngested, ingested(1, 1))
		c.expectRows(t, values, [][]string{{"2.0"}, {"1.0"}})
	}},
	{"invalid_records", func(t *testing.T, c *client) {
		c.makeTable(t)
		now := time.Now().UnixMilli()
		bad := reading(now, "2", func(record *types.Record) { record.Dimensions = []types.Dimension{} })
		_, err := c.put(nil, reading(now, "1"), bad)
		// observed
		text := "At least one dimension is required for a record."
		equal(t, refused(t, err, "ValidationException", 400), text)
		c.expectRows(t, "SELECT count(*) FROM sensors.readings", [][]string{{"0"}})
	}},
}
