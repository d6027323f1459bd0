package streamproto_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/fullon/fullon/internal/sim/streamproto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseRefusesWhatTheVenueRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"no JSON", `{"method":`, `{"error":{"code":3,"msg":"Invalid JSON: expected value at line 1 column 10"},"id":null}`},
		{"no object", `[1]`, `{"error":{"code":2,"msg":"Invalid request: expected an object"},"id":null}`},
		{"no id", `{"method":"LIST_SUBSCRIPTIONS"}`, `"code":2,"msg":"Invalid request: request ID must be`},
		{"bad id", `{"method":"LIST_SUBSCRIPTIONS","id":{}}`, `"code":2,"msg":"Invalid request: request ID must be`},
		{"no method", `{"id":7}`, "missing field `method`"},
		{"unknown method", `{"id":7,"method":"JOIN"}`, "unknown variant `JOIN`"},
		{"bad stream", `{"id":7,"method":"SUBSCRIBE","params":["not a stream"]}`, `{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":7}`},
		{"bad params", `{"id":7,"method":"SUBSCRIBE","params":"btcusdt@trade"}`, `"code":2`},
		{"no params", `{"id":7,"method":"SUBSCRIBE"}`, `"code":2`},
		{"unknown property", `{"id":7,"method":"GET_PROPERTY","params":["x"]}`, `{"error":{"code":0,"msg":"Unknown property"},"id":7}`},
		{"bad value", `{"id":7,"method":"SET_PROPERTY","params":["combined","x"]}`, `"code":1`},
		{"too many", `{"id":7,"method":"GET_PROPERTY","params":["combined",true]}`, "too many parameters"},
	} {
		req, err := streamproto.Parse([]byte(c.in))
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		if got := string(streamproto.Refusal(req.ID, err)); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s", c.name, got)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	req, err := streamproto.Parse([]byte(`{"method":"SUBSCRIBE","params":["btcusdt@trade","ethusdt@depth@100ms","!ticker@arr"],"id":"a1"}`))
	if err != nil || len(req.Streams) != 3 || string(req.ID) != `"a1"` {
		t.Fatalf("%+v %v", req, err)
	}
	if got := string(streamproto.Result(req.ID, nil)); got != `{"result":null,"id":"a1"}` {
		t.Fatal(got)
	}
}

func TestFromURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in       string
		streams  []string
		combined bool
		ok       bool
	}{
		{"/ws", nil, false, true},
		{"/ws/a@trade/b@trade", []string{"a@trade", "b@trade"}, false, true},
		{"/stream", nil, true, true},
		{"/stream?streams=a@trade/b@trade", []string{"a@trade", "b@trade"}, true, true},
		{"/other", nil, false, false},
	} {
		u, _ := url.Parse(c.in)
		streams, combined, ok := streamproto.FromURL(u)
		if len(streams)+len(c.streams) > 0 && !reflect.DeepEqual(streams, c.streams) || combined != c.combined || ok != c.ok {
			t.Errorf("%s: %v %v %v", c.in, streams, combined, ok)
		}
	}
}
