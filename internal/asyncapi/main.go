// Command asyncapi writes asyncapi.yaml, the protocol of the WebSocket server.
//
//	go run ./internal/asyncapi > asyncapi.yaml
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/fullon/fullon/internal/gateway"
)

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "asyncapi:", err)
		os.Exit(1)
	}
}

func write(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("# Generated from the table of operations: make reference\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(gateway.Describe()); err != nil {
		return err
	}
	_, err := b.WriteTo(w)
	return err
}
