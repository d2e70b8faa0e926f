package conformance

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/timestreamquery"
	query "github.com/aws/aws-sdk-go-v2/service/timestreamquery/types"
	"github.com/aws/aws-sdk-go-v2/service/timestreamwrite"
	write "github.com/aws/aws-sdk-go-v2/service/timestreamwrite/types"
)

// Endpoint discovery, and what nothing is there of yet.
var endpoints = []scenario{
	{"describe_endpoints", describeEndpoints},
	{"nothing_scheduled_or_loaded", nothingScheduledOrLoaded},
}

func describeEndpoints(t *testing.T, c clients) {
	// The SDK takes host and port from the address, with or without a scheme; it asks before every first request.
	address := aws.String(strings.TrimPrefix(serverURL(t), "http://"))
	forWrites := call(t, c.write.DescribeEndpoints, &timestreamwrite.DescribeEndpointsInput{})
	equal(t, forWrites.Endpoints, []write.Endpoint{{Address: address, CachePeriodInMinutes: 1440}})
	forQueries := call(t, c.query.DescribeEndpoints, &timestreamquery.DescribeEndpointsInput{})
	equal(t, forQueries.Endpoints, []query.Endpoint{{Address: address, CachePeriodInMinutes: 1440}})
}

func nothingScheduledOrLoaded(t *testing.T, c clients) {
	tasks := call(t, c.write.ListBatchLoadTasks, &timestreamwrite.ListBatchLoadTasksInput{})
	equal(t, len(tasks.BatchLoadTasks), 0)
	listed := call(t, c.query.ListScheduledQueries, &timestreamquery.ListScheduledQueriesInput{})
	equal(t, len(listed.ScheduledQueries), 0)
	refused[*write.ResourceNotFoundException](t, 404, c.write.DescribeBatchLoadTask,
		&timestreamwrite.DescribeBatchLoadTaskInput{TaskId: aws.String("9367BE28418C5EF902676482220B631C")})
	arn := "arn:aws:timestream:us-east-1:000000000000:scheduled-query/hourly-80e05b035236a4c3"
	refused[*query.ResourceNotFoundException](t, 404, c.query.DescribeScheduledQuery,
		&timestreamquery.DescribeScheduledQueryInput{ScheduledQueryArn: &arn})
}
