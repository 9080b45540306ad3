// Reads PromQL queries, one JSON string a line, and prints "ok" or Prometheus' own error for each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	read := bufio.NewScanner(os.Stdin)
	read.Buffer(make([]byte, 1<<20), 1<<24)
	parse := parser.NewParser(parser.Options{})
	for read.Scan() {
		var query string
		if err := json.Unmarshal(read.Bytes(), &query); err != nil {
			fmt.Println("no JSON string:", err)
			continue
		}
		if _, err := parse.ParseExpr(query); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("ok")
		}
	}
}
