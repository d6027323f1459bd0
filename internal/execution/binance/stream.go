package binance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/fullon/fullon/internal/execution/private"
)

// message is what comes over the WebSocket API: an answer or an event.
type message struct {
	ID     json.RawMessage `json:"id"`
	Status int             `json:"status"`
	Error  struct {
		refusal
		Data struct {
			RetryAfter int64 `json:"retryAfter"` // unix ms
		} `json:"data"`
	} `json:"error"`
	Event json.RawMessage `json:"event"`
}

var errNonsense = errors.New("an event makes no sense")

// stream is one subscription to the account's events.
type stream struct{ spot }

// Stream implements private.API.
func (a spot) Stream(context.Context) (private.Stream, error) { return stream{a}, nil }

// Opening implements private.Stream.
func (s stream) Opening() [][]byte {
	now, _ := s.Clock.At(time.Now())
	timestamp := now.UnixMilli()
	frame, _ := json.Marshal(map[string]any{ // texts and a number: no error
		"id": "account", "method": "userDataStream.subscribe.signature",
		"params": map[string]any{
			"apiKey": s.Cfg.Key, "timestamp": timestamp,
			"signature": s.signature("apiKey=" + s.Cfg.Key + "&timestamp=" + strconv.FormatInt(timestamp, 10)),
		},
	})
	return [][]byte{frame}
}

// Take implements private.Stream.
func (s stream) Take(frame []byte, _ time.Time) (t private.Taken) {
	var m message
	switch err := json.Unmarshal(frame, &m); {
	case err != nil:
		t.End = errNonsense
	case m.Event != nil:
		t.Event = true
	case string(m.ID) != `"account"`: // an answer to nothing that was asked
	case m.Status == http.StatusOK:
		t.Ready = true
	default:
		answer := private.Answer{What: "subscribe to the account", Status: m.Status}
		if at := m.Error.Data.RetryAfter; at > 0 {
			now, _ := s.Clock.At(time.Now())
			answer.RetryAfter = max(0, time.UnixMilli(at).Sub(now))
		}
		t.End = s.failed(answer, m.Error.refusal)
	}
	return t
}

// Ping implements private.Stream: the WebSocket's own are enough.
func (stream) Ping() []byte { return nil }

// executed is what became of an order. encoding/json takes a name for one that
// differs in case, so that some are here only to keep others from that.
type executed struct {
	Symbol    string `json:"s"`
	Side      string `json:"S"`
	ID        string `json:"c"`
	OrigID    string `json:"C"`
	Kind      string `json:"x"`
	Status    string `json:"X"`
	Reason    string `json:"r"`
	Number    int64  `json:"i"`
	LastQty   string `json:"l"`
	LastPrice string `json:"L"`
	Filled    string `json:"z"`
	Cost      string `json:"Z"`
	Fee       string `json:"n"`
	FeeAsset  string `json:"N"`
	Time      int64  `json:"T"`
	Trade     int64  `json:"t"`
	Maker     bool   `json:"m"`
	Ignored   bool   `json:"M"`
	Execution int64  `json:"I"`
}

// Tell implements private.Stream.
func (s stream) Tell(ctx context.Context, frame []byte, to *private.Delivery) error {
	var m message
	var kind struct {
		Name string `json:"e"`
		Time int64  `json:"E"` // see executed
	}
	if json.Unmarshal(frame, &m) != nil || json.Unmarshal(m.Event, &kind) != nil {
		return errNonsense
	}
	switch kind.Name {
	case "executionReport":
		var e executed
		if json.Unmarshal(m.Event, &e) != nil {
			return errors.New("an execution report makes no sense")
		}
		return s.executed(ctx, e, to)
	case "outboundAccountPosition":
		var e struct {
			Updated  int64 `json:"u"`
			Balances []struct {
				Asset  string `json:"a"`
				Free   string `json:"f"`
				Locked string `json:"l"`
			} `json:"B"`
		}
		if json.Unmarshal(m.Event, &e) != nil {
			return errors.New("an event of balances makes no sense")
		}
		for _, b := range e.Balances {
			told, err := balance(b.Asset, b.Free, b.Locked, e.Updated)
			if err != nil {
				return err
			}
			to.Balance(ctx, told)
		}
	case "balanceUpdate", "externalLockUpdate":
		to.Recount()
	case "eventStreamTerminated", "listenKeyExpired", "serverShutdown":
		return fmt.Errorf("the venue ended the stream: %s", kind.Name)
	}
	return nil
}

// executed hands on what became of an order.
func (s stream) executed(ctx context.Context, e executed, to *private.Delivery) error {
	id := e.ID
	if e.Kind != "NEW" && e.Kind != "TRADE" && e.OrigID != "" {
		id = e.OrigID // the other one is that of the request that canceled it
	}
	o := order{Symbol: e.Symbol, Number: e.Number, ID: id, Status: e.Status, Filled: e.Filled, Cost: e.Cost, Updated: e.Time}
	if e.Reason != "NONE" {
		o.reason = s.Scrub(e.Reason)
	}
	report, err := o.report()
	if err != nil {
		return fmt.Errorf("an execution report: %w", err)
	}
	if e.Kind == "TRADE" {
		err := trade{
			Symbol: e.Symbol, ID: e.Trade, Order: e.Number, client: id, Buyer: e.Side == "BUY", Price: e.LastPrice, Volume: e.LastQty,
			Fee: e.Fee, FeeAsset: e.FeeAsset, Maker: e.Maker, Time: e.Time,
		}.tell(ctx, to)
		if err != nil {
			return err
		}
	}
	to.Order(report)
	return nil
}
