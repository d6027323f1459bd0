package paper_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/execution/papertest"
)

func clientOf(t *testing.T, url string) *paper.Client {
	t.Helper()
	c, err := paper.NewClient(paper.ClientConfig{
		URL: url, Exchange: "binance", Account: "main", BackoffInitial: time.Millisecond, BackoffMax: time.Millisecond,
		SilenceTimeout: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestWhatIsNoClearAnswerIsUnanswered(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"503 with a refusal": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"code":"rejected"}`)
		},
		"a strange 404": func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) },
		"a strange 422": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"code":"not_found"}`)
		},
		"a strange 429": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"a redirect":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) },
		"no content":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"nothing":       func(http.ResponseWriter, *http.Request) {},
		"nonsense":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"another order": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ID":"other","Status":3}`) },
		"no status":     func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ID":"o"}`) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"ID":"o","Status":3`)
		},
		"a reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(answer)
			t.Cleanup(server.Close)
			c := clientOf(t, server.URL)
			_, submitted := c.Submit(t.Context(), buy("o", "1", "50"))
			_, canceled := c.Cancel(t.Context(), buy("o", "1", "50"))
			_, queried := c.Query(t.Context(), buy("o", "1", "50"))
			for _, err := range []error{submitted, canceled, queried} {
				if !errors.Is(err, execution.ErrUnanswered) || errors.Is(err, execution.ErrRejected) || errors.Is(err, domain.ErrNotFound) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(nil)
		server.Close()
		if _, err := clientOf(t, server.URL).Submit(t.Context(), buy("o", "1", "50")); !errors.Is(err, execution.ErrUnanswered) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFaultsReachOverTheSocket(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		faults paper.Faults
		want   error
	}{
		{paper.Faults{LostRequests: 1000}, execution.ErrUnanswered},
		{paper.Faults{LostAnswers: 1000}, execution.ErrUnanswered},
		{paper.Faults{Limits: 1000, RetryAfter: 3 * time.Second}, execution.ErrRateLimited},
		{paper.Faults{Rejects: 1000}, execution.ErrRejected},
	} {
		cfg := config(t, papertest.NewTicks())
		cfg.Faults = c.faults
		_, err := start(t, cfg, true).client("main").Submit(t.Context(), buy("o", "1", "50"))
		if !errors.Is(err, c.want) {
			t.Errorf("%+v: got %v", c.faults, err)
		}
		if limited, ok := errors.AsType[*execution.RateLimited](err); ok && limited.RetryAfter != 3*time.Second {
			t.Errorf("it says to wait %s", limited.RetryAfter)
		}
	}
}

func TestAnUnknownExchangeIsRejected(t *testing.T) {
	t.Parallel()
	r := start(t, config(t, papertest.NewTicks()), true)
	c, err := paper.NewClient(paper.ClientConfig{URL: "http://" + r.address, Exchange: "kraken", Account: "main"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	o := buy("o", "1", "50")
	o.Exchange = "kraken"
	_, err = c.Submit(t.Context(), o)
	wantRejected(t, err, "kraken")
}

func TestALineThatIsSilentOrTalksNonsenseIsMadeAnew(t *testing.T) {
	t.Parallel()
	var connects atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch connects.Add(1) {
		case 1: // silent from the beginning
		case 2:
			fmt.Fprintln(w, `{"epoch":"e"}`) // silent after that
		case 3:
			fmt.Fprintln(w, `{"epoch":"e"}`)
			fmt.Fprintln(w, `<html>`)
		case 4:
			fmt.Fprintln(w, `{}`) // without an epoch
		case 5:
			w.WriteHeader(http.StatusInternalServerError)
			return
		case 6:
			fmt.Fprintln(w, `{"epoch":"e","change":{"seq":1,"time":"2024-08-09T12:00:00Z","next_order":1,"next_fill":1,"balances":[{"Currency":"USDT","Total":"7"}]}}`)
		default:
			if got := r.URL.RawQuery; got != "epoch=e&after=1" {
				t.Errorf("it goes on at %s", got)
			}
			fmt.Fprintln(w, `{"epoch":"e"}`)
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	sink := executiontest.NewSink()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := clientOf(t, server.URL).Run(ctx, sink); err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	executiontest.Eventually(t, "all connections", func() bool { return sink.Connects() >= 4 })
	cancel()
	group.Wait()
	if !sink.BalanceOf("USDT").Total.Equal(dec("7")) {
		t.Fatalf("got %+v", sink.BalanceOf("USDT"))
	}
}

func TestClientSettingsSayWhatIsWrongWithThem(t *testing.T) {
	t.Parallel()
	for field, cfg := range map[string]paper.ClientConfig{
		"url":      {URL: "ftp://x", Exchange: "binance", Account: "main"},
		"exchange": {URL: "http://x", Account: "main"},
		"account":  {URL: "http://x", Exchange: "binance"},
		"timeout":  {URL: "http://x", Exchange: "binance", Account: "main", Timeout: -1},
	} {
		_, err := paper.NewClient(cfg)
		if fe, ok := errors.AsType[*domain.FieldError](err); !ok || fe.Field != field || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
