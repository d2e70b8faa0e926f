package conformance

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite"
	write "github.com/aws/aws-sdk-go-v2/service/timestreamwrite/types"
)

// WriteRecords.
var writes = []scenario{
	{"write_single_measures", writeSingleMeasures},
	{"write_multi_measures", writeMultiMeasures},
	{"common_attributes", commonAttributes},
	{"record_versions", recordVersions},
	{"rejected_records", rejectedRecords},
	{"duplicates_in_one_request", duplicatesInOneRequest},
	{"late_records_to_the_magnetic_store", lateRecordsToTheMagneticStore},
	{"invalid_records", invalidRecords},
}

const (
	values = "SELECT measure_value::double FROM sensors.readings ORDER BY time"
	dayMs  = 86_400_000
)

func nowMs() int64 { return time.Now().UnixMilli() }

// typed is a reading of another measure than the temperature.
func typed(time int64, name, value string, kind write.MeasureValueType) write.Record {
	record := reading(time, value)
	record.MeasureName = &name
	record.MeasureValueType = kind
	return record
}

func versioned(time int64, value string, version int64) write.Record {
	record := reading(time, value)
	record.Version = &version
	return record
}

func ingested(total, memory, magnetic int32) *write.RecordsIngested {
	return &write.RecordsIngested{Total: total, MemoryStore: memory, MagneticStore: magnetic}
}

func writeSingleMeasures(t *testing.T, c clients) {
	makeTable(t, c)
	now := nowMs()
	answer := call(t, c.write.WriteRecords, intoReadings(
		reading(now, "21.5"),
		typed(now, "count", "42", write.MeasureValueTypeBigint),
		typed(now, "open", "true", write.MeasureValueTypeBoolean),
		typed(now, "note", "café ☕", write.MeasureValueTypeVarchar),
	))
	equal(t, answer.RecordsIngested, ingested(4, 4, 0))
	sql := `SELECT measure_name, "measure_value::double", measure_value::bigint, measure_value::boolean, ` +
		`measure_value::varchar FROM "sensors"."readings" ORDER BY measure_name`
	equal(t, rowsOf(t, c, sql), [][]string{
		{"count", "NULL", "42", "NULL", "NULL"},
		{"note", "NULL", "NULL", "NULL", "café ☕"},
		{"open", "NULL", "NULL", "true", "NULL"},
		{"temperature", "21.5", "NULL", "NULL", "NULL"},
	})
}

func writeMultiMeasures(t *testing.T, c clients) {
	makeTable(t, c)
	measure := func(name, value string, kind write.MeasureValueType) write.MeasureValue {
		return write.MeasureValue{Name: &name, Value: &value, Type: kind}
	}
	answer := call(t, c.write.WriteRecords, intoReadings(write.Record{
		Dimensions:       []write.Dimension{{Name: aws.String("host"), Value: aws.String("h1")}},
		MeasureName:      aws.String("metrics"),
		MeasureValueType: write.MeasureValueTypeMulti,
		MeasureValues: []write.MeasureValue{
			measure("load", "0.5", write.MeasureValueTypeDouble),
			measure("requests", "9007199254740993", write.MeasureValueTypeBigint),
			measure("healthy", "false", write.MeasureValueTypeBoolean),
			measure("version", "1.2.3", write.MeasureValueTypeVarchar),
			measure("booted", "0", write.MeasureValueTypeTimestamp),
		},
		Time: aws.String(fmt.Sprint(nowMs())),
	}))
	equal(t, answer.RecordsIngested, ingested(1, 1, 0))
	sql := "SELECT host, measure_name, load, requests, healthy, version, booted FROM sensors.readings"
	equal(t, rowsOf(t, c, sql), [][]string{
		{"h1", "metrics", "0.5", "9007199254740993", "false", "1.2.3", "1970-01-01 00:00:00.000000000"},
	})
}

func commonAttributes(t *testing.T, c clients) {
	makeTable(t, c)
	input := intoReadings(write.Record{
		MeasureName:  aws.String("cpu"),
		MeasureValue: aws.String("1"),
		Dimensions:   []write.Dimension{{Name: aws.String("slot"), Value: aws.String("s2")}},
	})
	input.CommonAttributes = &write.Record{
		Dimensions: []write.Dimension{{Name: aws.String("host"), Value: aws.String("h1")}},
		Time:       aws.String(fmt.Sprint(time.Now().Unix())),
		TimeUnit:   write.TimeUnitSeconds,
	}
	call(t, c.write.WriteRecords, input)
	sql := "SELECT host, slot, measure_name, measure_value::double FROM sensors.readings WHERE time > ago(1m)"
	equal(t, rowsOf(t, c, sql), [][]string{{"h1", "s2", "cpu", "1.0"}})
	// model: overlapping dimensions fail the whole request
	input.Records[0].Dimensions[0] = write.Dimension{Name: aws.String("host"), Value: aws.String("other")}
	refused[*write.ValidationException](t, 400, c.write.WriteRecords, input)
}

func recordVersions(t *testing.T, c clients) {
	makeTable(t, c)
	now := nowMs()
	call(t, c.write.WriteRecords, intoReadings(versioned(now, "1", 2)))
	call(t, c.write.WriteRecords, intoReadings(versioned(now, "1", 2)))
	same := refused[*write.RejectedRecordsException](t, 419, c.write.WriteRecords, intoReadings(versioned(now, "7", 2)))
	equal(t, len(same.RejectedRecords), 1)
	equal(t, same.RejectedRecords[0].ExistingVersion, nil)
	call(t, c.write.WriteRecords, intoReadings(versioned(now, "5", 200)))
	lower := refused[*write.RejectedRecordsException](t, 419, c.write.WriteRecords, intoReadings(versioned(now, "9", 2)))
	// observed
	equal(t, lower.RejectedRecords, []write.RejectedRecord{{
		RecordIndex: 0,
		Reason: aws.String("The record version 2 is lower than the existing version 200. " +
			"A higher version is required to update the measure value."),
		ExistingVersion: aws.Int64(200),
	}})
	equal(t, rowsOf(t, c, values), [][]string{{"5.0"}})
}

// rejectedIndexes are the places of the rejected records in the request.
func rejectedIndexes(exception *write.RejectedRecordsException) []int32 {
	indexes := []int32{}
	for _, record := range exception.RejectedRecords {
		indexes = append(indexes, record.RecordIndex)
	}
	return indexes
}

func rejectedRecords(t *testing.T, c clients) {
	makeTable(t, c)
	now := nowMs()
	input := intoReadings(reading(now, "1"), reading(now-3*dayMs, "2"), reading(now-1, "3"))
	exception := refused[*write.RejectedRecordsException](t, 419, c.write.WriteRecords, input)
	equal(t, exception.ErrorMessage(), "One or more records have been rejected. See RejectedRecords for details.")
	equal(t, rejectedIndexes(exception), []int32{1})
	reason := regexp.MustCompile(
		`^The record timestamp is outside the time range \[\S+Z, \S+Z\) of the memory store\.$`)
	if !reason.MatchString(*exception.RejectedRecords[0].Reason) {
		t.Fatalf("not the reason: %s", *exception.RejectedRecords[0].Reason)
	}
	equal(t, rowsOf(t, c, values), [][]string{{"3.0"}, {"1.0"}})
}

func duplicatesInOneRequest(t *testing.T, c clients) {
	makeTable(t, c)
	now := nowMs()
	input := intoReadings(reading(now, "1"), reading(now, "1"), reading(now, "2"))
	exception := refused[*write.RejectedRecordsException](t, 419, c.write.WriteRecords, input)
	equal(t, rejectedIndexes(exception), []int32{2})
	equal(t, rowsOf(t, c, values), [][]string{{"1.0"}})
}

func lateRecordsToTheMagneticStore(t *testing.T, c clients) {
	makeTable(t, c)
	call(t, c.write.UpdateTable, &timestreamwrite.UpdateTableInput{
		DatabaseName: aws.String("sensors"),
		TableName:    aws.String("readings"),
		RetentionProperties: &write.RetentionProperties{
			MemoryStoreRetentionPeriodInHours:  aws.Int64(1),
			MagneticStoreRetentionPeriodInDays: aws.Int64(3),
		},
		MagneticStoreWriteProperties: &write.MagneticStoreWriteProperties{EnableMagneticStoreWrites: aws.Bool(true)},
	})
	now := nowMs()
	answer := call(t, c.write.WriteRecords, intoReadings(reading(now, "1"), reading(now-dayMs, "2")))
	equal(t, answer.RecordsIngested, ingested(2, 1, 1))
	equal(t, rowsOf(t, c, values), [][]string{{"2.0"}, {"1.0"}})
}

func invalidRecords(t *testing.T, c clients) {
	makeTable(t, c)
	now := nowMs()
	bad := reading(now, "2")
	bad.Dimensions = []write.Dimension{}
	exception := refused[*write.ValidationException](t, 400, c.write.WriteRecords, intoReadings(reading(now, "1"), bad))
	// observed
	equal(t, exception.ErrorMessage(), "At least one dimension is required for a record.")
	equal(t, rowsOf(t, c, "SELECT count(*) FROM sensors.readings"), [][]string{{"0"}})
}
