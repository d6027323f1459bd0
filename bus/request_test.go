package bus

import (
	"testing"
	"time"
)

// Who gives up before its message is sent must not leave it to the next: whoever
// sends may be about to read it.
func TestARequestThatMayStillBeSentIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	r := newRequester()
	r.prefix = "answers." // as if subscribed
	req := newRequest(outgoing{Address: Address{"ORDERS_BINANCE", "order.binance.a"}, data: []byte("a")})
	if err := r.post(req, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if !r.abandon(req) {
		t.Fatal("it was answered")
	}
	req.release()
	newRequest(outgoing{Address: Address{"ORDERS_BINANCE", "order.binance.b"}, data: []byte("b")})
	if sent := r.posted[0].req.msg; sent.Subject != "order.binance.a" || string(sent.Data) != "a" {
		t.Fatalf("it is %s %s", sent.Subject, sent.Data)
	}
}
