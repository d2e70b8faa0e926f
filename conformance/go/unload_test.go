package conformance

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// UNLOAD to the S3 endpoint of the same server.
var unloads = []scenario{
	{"unload", unload},
}

func unload(t *testing.T, c clients) {
	fill(t, c)
	bucket := "unload-" + c.account
	status, answer := fetch(t, http.MethodPut, serverURL(t)+"/"+bucket)
	if status != http.StatusOK {
		t.Fatalf("no bucket: %d %s", status, answer)
	}
	query := "SELECT device, time, measure_value::double AS value FROM sensors.readings"
	columns, rows := queryAll(t, c,
		fmt.Sprintf("UNLOAD (%s) TO 's3://%s/out' WITH (format = 'CSV', compression = 'GZIP')", query, bucket))
	// guide: export-unload-concepts.html
	equal(t, columnNames(columns), []string{"rows", "metadataFile", "manifestFile"})
	equal(t, rows[0][0], "30")

	var manifest struct {
		ResultFiles []struct {
			URL string `json:"url"`
		} `json:"result_files"`
	}
	if err := json.Unmarshal(object(t, rows[0][2]), &manifest); err != nil {
		t.Fatal(err)
	}
	unloaded := [][]string{}
	for _, file := range manifest.ResultFiles {
		unpacked, err := gzip.NewReader(bytes.NewReader(object(t, file.URL)))
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(unpacked).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		unloaded = append(unloaded, records...)
	}
	inOrder := func(a, b []string) int { return strings.Compare(strings.Join(a, ","), strings.Join(b, ",")) }
	slices.SortFunc(unloaded, inOrder)
	queried := rowsOf(t, c, query)
	slices.SortFunc(queried, inOrder)
	equal(t, unloaded, queried)
}

// object reads what an s3:// address names, in path style.
func object(t *testing.T, address string) []byte {
	t.Helper()
	parts := regexp.MustCompile("^s3://([^/]+/.+)$").FindStringSubmatch(address)
	if parts == nil {
		t.Fatalf("not an address: %s", address)
	}
	status, body := fetch(t, http.MethodGet, serverURL(t)+"/"+parts[1])
	equal(t, status, http.StatusOK)
	return body
}
