package conformance

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/timestreamquery"
	query "github.com/aws/aws-sdk-go-v2/service/timestreamquery/types"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite"
)

// A scheduled query from its creation to its deletion.
var scheduled = []scenario{
	{"scheduled_query", scheduledQuery},
}

func scheduledQuery(t *testing.T, c clients) {
	fill(t, c)
	call(t, c.write.CreateTable, &timestreamwrite.CreateTableInput{
		DatabaseName: aws.String("sensors"), TableName: aws.String("means"),
	})
	arn := call(t, c.query.CreateScheduledQuery, meansOfReadings(c.account)).Arn
	listed := call(t, c.query.ListScheduledQueries, &timestreamquery.ListScheduledQueriesInput{}).ScheduledQueries
	equal(t, len(listed), 1)
	equal(t, listed[0].Arn, arn)
	describe := &timestreamquery.DescribeScheduledQueryInput{ScheduledQueryArn: arn}
	described := call(t, c.query.DescribeScheduledQuery, describe).ScheduledQuery
	equal(t, described.State, query.ScheduledQueryStateEnabled)
	equal(t, described.TargetConfiguration, meansOfReadings(c.account).TargetConfiguration)
	equal(t, described.LastRunSummary, nil)

	call(t, c.query.ExecuteScheduledQuery, &timestreamquery.ExecuteScheduledQueryInput{
		ScheduledQueryArn: arn, InvocationTime: aws.Time(time.Now()),
	})
	run := lastRun(t, c, describe)
	equal(t, run.RunStatus, query.ScheduledQueryRunStatusManualTriggerSuccess)
	equal(t, run.ExecutionStats.QueryResultRows, 3)
	equal(t, run.ExecutionStats.RecordsIngested, 3)
	equal(t, rowsOf(t, c, "SELECT device, measure_name, mean, n FROM sensors.means ORDER BY device"), [][]string{
		{"d0", "temperatures", "0.45", "10"},
		{"d1", "temperatures", "1.45", "10"},
		{"d2", "temperatures", "2.45", "10"},
	})

	call(t, c.query.DeleteScheduledQuery, &timestreamquery.DeleteScheduledQueryInput{ScheduledQueryArn: arn})
	refused[*query.ResourceNotFoundException](t, 404, c.query.DescribeScheduledQuery, describe)
}

// meansOfReadings is the request for a query that is first run on its own in a day, longer than any test takes.
func meansOfReadings(account string) *timestreamquery.CreateScheduledQueryInput {
	measure := func(column string, kind query.ScalarMeasureValueType) query.MultiMeasureAttributeMapping {
		return query.MultiMeasureAttributeMapping{SourceColumn: &column, MeasureValueType: kind}
	}
	return &timestreamquery.CreateScheduledQueryInput{
		Name: aws.String("means"),
		QueryString: aws.String("SELECT device, max(time) AS newest, round(avg(measure_value::double), 2) AS mean, " +
			"count(*) AS n FROM sensors.readings " +
			"WHERE time BETWEEN @scheduled_runtime - 1h AND @scheduled_runtime + 1m GROUP BY device"),
		ScheduleConfiguration: &query.ScheduleConfiguration{ScheduleExpression: aws.String("rate(1 day)")},
		NotificationConfiguration: &query.NotificationConfiguration{
			SnsConfiguration: &query.SnsConfiguration{TopicArn: aws.String("arn:aws:sns:us-east-1:" + account + ":runs")},
		},
		ErrorReportConfiguration: &query.ErrorReportConfiguration{
			S3Configuration: &query.S3Configuration{BucketName: aws.String("reports")},
		},
		ScheduledQueryExecutionRoleArn: aws.String("arn:aws:iam::" + account + ":role/runner"),
		TargetConfiguration: &query.TargetConfiguration{
			TimestreamConfiguration: &query.TimestreamConfiguration{
				DatabaseName: aws.String("sensors"),
				TableName:    aws.String("means"),
				TimeColumn:   aws.String("newest"),
				DimensionMappings: []query.DimensionMapping{
					{Name: aws.String("device"), DimensionValueType: query.DimensionValueTypeVarchar},
				},
				MultiMeasureMappings: &query.MultiMeasureMappings{
					TargetMultiMeasureName: aws.String("temperatures"),
					MultiMeasureAttributeMappings: []query.MultiMeasureAttributeMapping{
						measure("mean", query.ScalarMeasureValueTypeDouble),
						measure("n", query.ScalarMeasureValueTypeBigint),
					},
				},
			},
		},
	}
}

// lastRun asks until a run has ended, for a minute at most.
func lastRun(
	t *testing.T, c clients, describe *timestreamquery.DescribeScheduledQueryInput,
) *query.ScheduledQueryRunSummary {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		described := call(t, c.query.DescribeScheduledQuery, describe).ScheduledQuery
		if described.LastRunSummary != nil {
			return described.LastRunSummary
		}
	}
	t.Fatal("no run ended within a minute")
	return nil
}
