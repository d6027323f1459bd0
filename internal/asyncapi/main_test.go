package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheDescriptionOfTheProtocolIsThatOfTheCode(t *testing.T) {
	t.Parallel()
	committed, err := os.ReadFile(filepath.Join("..", "..", "asyncapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var now bytes.Buffer
	if err := write(&now); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, now.Bytes()) {
		t.Error("asyncapi.yaml is not what the code is: run make reference")
	}
}
