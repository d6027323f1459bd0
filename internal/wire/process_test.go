package wire_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

func TestProcessValuesAreDocumentedArrays(t *testing.T) {
	t.Parallel()
	process := domain.Process{ID: "a", Type: domain.ProcessBot, Component: "grid", Host: "db1", PID: 7, Interval: 1500 * time.Millisecond}
	message := domain.Broadcast{Type: domain.ProcessBot, From: "a", Text: "hello", Data: map[string]string{"y": "2", "x": "1"}}
	report := domain.VenueError{Exchange: "binance", Text: "429"}
	for _, c := range []struct {
		data []byte
		want []any
	}{
		{wire.EncodeProcess(process), []any{int64(1), "bot", "grid", "db1", int64(7), int64(1500)}},
		{wire.EncodeBroadcast(message), []any{int64(1), "a", "hello", []any{"x", "1", "y", "2"}}},
		{wire.EncodeVenueError(report), []any{int64(1), "429"}},
	} {
		decoder := msgpack.NewDecoder(bytes.NewReader(c.data))
		decoder.UseLooseInterfaceDecoding(true)
		got, err := decoder.DecodeInterface()
		if err != nil || !reflect.DeepEqual(normal(got), c.want) {
			t.Errorf("%v (%v), want %v", got, err, c.want)
		}
	}
	if got, err := wire.DecodeProcess("a", wire.EncodeProcess(process)); err != nil || !reflect.DeepEqual(got, process) {
		t.Errorf("%+v (%v)", got, err)
	}
	if got, err := wire.DecodeBroadcast(domain.ProcessBot, wire.EncodeBroadcast(message)); err != nil || !reflect.DeepEqual(got, message) {
		t.Errorf("%+v (%v)", got, err)
	}
	if got, err := wire.DecodeVenueError("binance", wire.EncodeVenueError(report)); err != nil || got != report {
		t.Errorf("%+v (%v)", got, err)
	}
}

// normal makes all whole numbers int64.
func normal(v any) any {
	list, ok := v.([]any)
	if !ok {
		if n, ok := v.(uint64); ok {
			return int64(n)
		}
		return v
	}
	out := make([]any, len(list))
	for i := range list {
		out[i] = normal(list[i])
	}
	return out
}

func TestMalformedProcessValuesAreRefused(t *testing.T) {
	t.Parallel()
	full := wire.EncodeBroadcast(domain.Broadcast{From: "a", Text: "b", Data: map[string]string{"x": "1"}})
	for n := range len(full) {
		if _, err := wire.DecodeBroadcast(domain.ProcessBot, full[:n]); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%d bytes of a broadcast: %v", n, err)
		}
	}
	full = wire.EncodeProcess(domain.Process{Type: domain.ProcessBot, Component: "c", Interval: time.Second})
	for n := range len(full) {
		if _, err := wire.DecodeProcess("a", full[:n]); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%d bytes of a process: %v", n, err)
		}
	}
	if _, err := wire.DecodeVenueError("binance", []byte{0x91, 0x02}); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("another version: %v", err)
	}
}
