package okx_test

import (
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/okx"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

// Swaps are sent in contracts, exactly or not at all.
func TestSwapsAreSizedInContracts(t *testing.T) {
	t.Parallel()
	r := newRig(t, swaps)
	v := r.Venue(func(c *private.Config) { c.Margin = okx.Cross })
	executiontest.Submit(t, v, order("o", domain.Buy, "1.234", "50"))
	if body := r.lastBody(); !strings.Contains(body, `"sz":"123.4"`) || !strings.Contains(body, `"tdMode":"cross"`) || strings.Contains(body, "tgtCcy") {
		t.Fatal(body)
	}
	sent := r.times(placing)
	dollars := order("dollars", domain.Buy, "1", "50")
	dollars.Symbol = "BTC/USD:BTC"
	for _, o := range []domain.Order{order("half", domain.Buy, "0.0005", "50"), order("odd", domain.Buy, "1.2345", "50"), dollars} {
		if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "rejected" || r.times(placing) != sent {
			t.Fatalf("%s: %v", o.ID, err)
		}
	}
	// Without the sizes nothing is sent, and nothing is a no.
	fresh := r.Venue()
	for _, f := range []papertest.Fault{
		{Status: 503}, {Body: `{"code":"51001","msg":"no","data":[]}`}, {Body: `{"code":"0","msg":"","data":[]}`}, {Body: "<html>"},
		{Body: `{"code":"0","msg":"","data":[{"instId":"ETH-USDT-SWAP","ctType":"linear","ctVal":"0.1","ctMult":"1","ctValCcy":"ETH","settleCcy":"USDT"}]}`},
	} {
		f.Path = "/instruments"
		r.Inject(f)
		want := "unanswered"
		if strings.Contains(f.Body, "ETH") { // the venue does not have it
			want = "rejected"
		}
		if _, err := fresh.Submit(t.Context(), order("p", domain.Buy, "1", "50")); executiontest.Outcome(err) != want || r.times(placing) != sent {
			t.Fatalf("%+v: %v", f, err)
		}
	}
	executiontest.Submit(t, fresh, order("p", domain.Buy, "1", "50"))
	// The other margin is the venue's to refuse.
	isolated := r.Venue(func(c *private.Config) { c.Margin = okx.Isolated })
	if _, err := isolated.Submit(t.Context(), order("q", domain.Buy, "1", "50")); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
}
