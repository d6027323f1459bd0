package venue_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// TestMain puts a proxy into the environment, which net/http reads once a
// process. Addresses of this machine do not go through it.
func TestMain(m *testing.M) {
	proxy := httptest.NewServer(http.HandlerFunc(serveProxy))
	_ = os.Setenv("HTTP_PROXY", proxy.URL)
	goleak.VerifyTestMain(closing{m, proxy})
}

type closing struct {
	m     *testing.M
	proxy *httptest.Server
}

func (c closing) Run() int {
	defer c.proxy.Close()
	return c.m.Run()
}

// serveProxy answers for the venues that exist behind it only.
func serveProxy(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Host {
	case "stream.venue.invalid":
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		_ = ws.Write(r.Context(), websocket.MessageText, []byte("through the proxy"))
		_, _, _ = ws.Read(r.Context()) // until the client is gone
		_ = ws.CloseNow()
	case "rest.venue.invalid":
		_, _ = w.Write([]byte("through the proxy"))
	default:
		w.WriteHeader(http.StatusBadGateway)
	}
}

func TestConnectionsUseTheProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	frames := make(chan string, 1024)
	run(t, "ws://stream.venue.invalid/feed", quick(), venuetest.NewSink(), plain{frames: frames})
	fixture{frames: frames}.await(t, "through the proxy")

	rest, err := venue.NewREST(venue.RESTConfig{BaseURL: "http://rest.venue.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rest.CloseIdle)
	body, err := rest.Get(t.Context(), "/x", nil, 1)
	if err != nil || !strings.Contains(string(body), "through the proxy") {
		t.Errorf("got %q, %v", body, err)
	}
}
