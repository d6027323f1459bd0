package bus

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

var usualAcks = map[string]ack{
	`{"stream":"ORDERS_BINANCE","seq":17}`:                                           {seq: 17},
	`{"stream":"T","domain":"hub","seq":999999999999999999}`:                         {seq: 999999999999999999},
	`{"stream":"T","seq":3,"duplicate": true}`:                                       {seq: 3},
	`{"stream":"T","seq":3,"batch":"UYTR","count":2}`:                                {3, "UYTR", 2},
	`{"stream":"T","domain":"h u/b","seq":0,"duplicate": true,"batch":"","count":0}`: {},
}

func TestAcknowledgementsAreReadInWhateverForm(t *testing.T) {
	t.Parallel()
	for text, want := range usualAcks {
		if got, ok := readUsualAck([]byte(text)); !ok || got != want {
			t.Errorf("%s: %+v %v", text, got, ok)
		}
	}
	for text, want := range map[string]ack{
		`{"seq":4,"stream":"T"}`:                                    {seq: 4},
		`{"stream": "T", "seq": 18446744073709551615}`:              {seq: 1<<64 - 1},
		`{"stream":"\u0054\"","seq":5,"new":[1]}`:                   {seq: 5},
		`{"error":null,"count":2,"batch":"b","stream":"T","seq":6}`: {6, "b", 2},
	} {
		if got, err := readAck([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "{}", "garbage", `{"stream":"","seq":1}`, `{"stream":"T","seq":-1}`, `{"stream":"T","seq":01}`, `{"stream":"T","seq":1}x`} {
		if got, err := readAck([]byte(text)); !errors.Is(err, jetstream.ErrInvalidJSAck) {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	var refused *jetstream.APIError
	_, err := readAck([]byte(`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"},"stream":"T","seq":0}`))
	if !errors.As(err, &refused) || refused.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence || refused.Code != 400 || !isConflict(err) {
		t.Errorf("%v", err)
	}
}

// What is read the quick way says the same when it is read as any JSON.
func FuzzUsualAck(f *testing.F) {
	for text := range usualAcks {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"stream":"T","seq":1,"duplicate":true}`))
	f.Add([]byte(`{"error":{"code":503,"description":"x"},"stream":"T","seq":0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := readUsualAck(data)
		if !ok {
			return
		}
		var want struct {
			Stream string
			Seq    uint64
			Batch  string
			Count  uint64
			Error  any
		}
		if err := json.Unmarshal(data, &want); err != nil || want.Stream == "" || want.Error != nil || got != (ack{want.Seq, want.Batch, want.Count}) {
			t.Fatalf("%q is %+v, read as %+v: %v", data, want, got, err)
		}
	})
}
