package binance_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/binance"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/sim"
)

func TestRealMoneyIsTradedOnlyWhereItIsSaid(t *testing.T) {
	t.Parallel()
	base := private.Config{Account: "main", Key: key, Secret: secret, Symbols: func() map[string]domain.Symbol { return catalogue }}
	if _, err := binance.New(base); err != nil { // at the test network
		t.Fatal(err)
	}
	for _, address := range []string{"https://api.binance.com", "https://API4.Binance.com.", "https://api.binance.us:443"} {
		c := base
		c.RESTURL = address
		_, err := binance.New(c)
		var field *domain.FieldError
		if !errors.As(err, &field) || field.Field != "rest_url" {
			t.Errorf("%s: %v", address, err)
		}
		c.Real = true
		if _, err := binance.New(c); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	c := base
	c.StreamURL = "wss://ws-api.binance.com:443/ws-api/v3"
	if _, err := binance.New(c); !errors.Is(err, domain.ErrInvalid) {
		t.Error(err)
	}
}

// No error and no log line holds a key, a secret or a signature.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.market("99", "10", "101", "10")
	v := r.venue()
	sink, stop := executiontest.Listen(t, v)
	var said []string
	say := func(err error) {
		if err == nil {
			t.Fatal("no error")
		}
		said = append(said, err.Error(), fmt.Sprintf("%+v", err))
	}
	all := func() {
		o := order("o", domain.Buy, "1", "50")
		_, err := v.Submit(t.Context(), o)
		say(err)
		_, err = v.Cancel(t.Context(), o)
		say(err)
		_, err = v.Query(t.Context(), o)
		say(err)
		_, err = v.Open(t.Context())
		say(err)
	}
	for _, f := range []sim.Fault{
		{Status: 400, Code: -1022, Message: "The key " + key + " with " + secret + " is not valid."},
		{Status: 500}, {Lose: true}, {Body: key + secret}, {Status: 403},
		{Status: 503, Code: -1000, Message: key},
	} {
		f.Times = 1 << 30
		r.x.Inject(f)
		r.x.Drop() // the stream meets it, too
		all()
		before := sink.Connects()
		executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > before+1 })
		r.x.Heal()
	}
	r.stop()
	all()
	stop()
	said = append(said, r.logs.String())
	if !strings.Contains(r.logs.String(), "account stream ended") {
		t.Fatal("nothing was logged")
	}
	for _, text := range said {
		for _, hidden := range []string{key, secret, "signature=", "X-Mbx-Apikey"} {
			if strings.Contains(text, hidden) {
				t.Fatalf("%q is in %q", hidden, text)
			}
		}
	}
}
