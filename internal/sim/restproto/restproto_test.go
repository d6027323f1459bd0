package restproto_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"go.uber.org/goleak"

	"github.com/fullon/fullon/internal/sim/restproto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body   any
		err    error
		status int
		want   string
	}{
		{body: []int{}, status: http.StatusOK, want: `[]`},
		{err: restproto.ErrSymbol, status: http.StatusBadRequest, want: `{"code":-1121,"msg":"Invalid symbol."}`},
		{err: errors.New("disk"), status: http.StatusInternalServerError, want: `{"code":-1000,"msg":"disk"}`},
		{body: func() {}, status: http.StatusInternalServerError, want: `{"code":-1000,"msg":"internal"}`},
	} {
		w := httptest.NewRecorder()
		restproto.Write(w, slog.New(slog.DiscardHandler), c.body, c.err)
		if w.Code != c.status || w.Body.String() != c.want {
			t.Errorf("got %d %s, want %d %s", w.Code, w.Body, c.status, c.want)
		}
	}
}

func TestLimitIsClampedNotRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 500, "7": 7, "5000": 1000} {
		if n, err := restproto.Limit(url.Values{"limit": {text}}); n != want || err != nil {
			t.Errorf("%q: %d %v", text, n, err)
		}
	}
	if _, err := restproto.Limit(url.Values{"limit": {"-1"}}); err == nil {
		t.Error("-1 was taken")
	}
}
