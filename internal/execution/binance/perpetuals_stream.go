package binance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/fullon/fullon/internal/execution/private"
)

const listenKeyPath = "/fapi/v1/listenKey"

// listenKeyForm is what a listen key may be: it becomes a part of an address.
var listenKeyForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,256}$`)

// contractStream is one connection to the account's events.
type contractStream struct {
	*perpetuals
	key string // who has it reads the account
}

var _ private.Keyed = contractStream{}

// Stream implements private.API. All who follow the account have the same listen
// key, so it is never given back.
func (a *perpetuals) Stream(ctx context.Context) (private.Stream, error) {
	type mode struct {
		Hedge *bool `json:"dualSidePosition"`
	}
	const modePath = "/fapi/v1/positionSide/dual"
	is, err := ask[mode](ctx, a.account, http.MethodGet, modePath, nil)
	switch {
	case err != nil:
		return nil, err
	case is.Hedge == nil:
		return nil, private.Nonsense("GET "+modePath, "the answer makes no sense")
	case *is.Hedge:
		return nil, errHedge
	}
	type listenKey struct {
		Key string `json:"listenKey"`
	}
	got, err := decode[listenKey](a.account)(a.Do(ctx, a.listenKey(http.MethodPost)))
	if err != nil {
		return nil, err
	}
	if !listenKeyForm.MatchString(got.Key) {
		return nil, private.Nonsense("POST "+listenKeyPath, "the answer has no listen key")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listed = false
	return contractStream{a, got.Key}, nil
}

// listenKey is a request about the account's listen key, which wants no signature.
func (a *perpetuals) listenKey(method string) private.Request {
	return private.Request{Method: method, Path: listenKeyPath, Header: http.Header{"X-Mbx-Apikey": {a.Cfg.Key}}}
}

// Address implements private.Keyed.
func (s contractStream) Address() string {
	return strings.TrimSuffix(s.Cfg.StreamURL, "/") + "/" + s.key
}

// Renew implements private.Keyed: a listen key is good for an hour.
func (s contractStream) Renew(ctx context.Context) error {
	_, err := decode[struct{}](s.account)(s.Do(ctx, s.listenKey(http.MethodPut)))
	return err
}

// Opening implements private.Stream: the address says it all.
func (contractStream) Opening() [][]byte { return nil }

// Ping implements private.Stream: the WebSocket's own are enough.
func (contractStream) Ping() []byte { return nil }

// contractEvent is what an event begins with; see executed.
type contractEvent struct {
	Name    string          `json:"e"`
	Unit    string          `json:"fs"` // CM: of COIN-M futures; UM, or not said: of these
	Told    int64           `json:"E"`
	Time    int64           `json:"T"` // unix ms
	Order   json.RawMessage `json:"o"`
	Changes json.RawMessage `json:"a"`
}

// Take implements private.Stream.
func (contractStream) Take(frame []byte, _ time.Time) (t private.Taken) {
	var e contractEvent
	switch err := json.Unmarshal(frame, &e); {
	case err != nil:
		t.End = errNonsense
	case e.Name == "listenKeyExpired":
		t.End = errors.New("the listen key expired")
	default:
		t.Event = e.Unit != "CM"
	}
	return t
}

// Tell implements private.Stream. What orders and positions hold back is not told.
func (s contractStream) Tell(ctx context.Context, frame []byte, to *private.Delivery) error {
	var e contractEvent
	if json.Unmarshal(frame, &e) != nil {
		return errNonsense
	}
	switch e.Name {
	case "ORDER_TRADE_UPDATE":
		to.Recount()
		return s.ordered(ctx, e, to)
	case "ACCOUNT_UPDATE":
		to.Recount()
		return s.changed(ctx, e, to)
	case "ACCOUNT_CONFIG_UPDATE": // the leverage, which margins go by
		to.Recount()
	}
	return nil
}

// contractExecuted is what became of an order; see executed for the names that
// are here only for others' sake.
type contractExecuted struct {
	Symbol    string `json:"s"`
	Side      string `json:"S"`
	ID        string `json:"c"`
	Kind      string `json:"x"`
	Status    string `json:"X"`
	Number    int64  `json:"i"`
	LastQty   string `json:"l"`
	LastPrice string `json:"L"`
	Filled    string `json:"z"`
	Average   string `json:"ap"`
	Activated string `json:"AP"`
	Fee       string `json:"n"`
	FeeAsset  string `json:"N"`
	Time      int64  `json:"T"`
	Trade     int64  `json:"t"`
	Maker     bool   `json:"m"`
	Expiry    any    `json:"er"` // why it expired, a number, or the text of one; 0: it did not
}

// ordered hands on what became of an order.
func (s contractStream) ordered(ctx context.Context, event contractEvent, to *private.Delivery) error {
	var e contractExecuted
	if json.Unmarshal(event.Order, &e) != nil {
		return errors.New("an update of an order makes no sense")
	}
	o := order{Symbol: e.Symbol, Number: e.Number, ID: e.ID, Status: e.Status, Filled: e.Filled, average: cmp.Or(e.Average, "0"), Updated: e.Time}
	if why := fmt.Sprint(e.Expiry); e.Expiry != nil && why != "0" {
		o.reason = s.Scrub("the venue's reason of expiry is number " + why)
	}
	report, err := o.report()
	if err != nil {
		return fmt.Errorf("an update of an order: %w", err)
	}
	// CALCULATED is a trade of a liquidation, and may be of nothing.
	if e.Kind == "TRADE" || e.Kind == "CALCULATED" && e.Trade > 0 && strings.Trim(e.LastQty, "0.") != "" {
		err := trade{
			Symbol: e.Symbol, ID: e.Trade, Order: e.Number, client: e.ID, Buyer: e.Side == "BUY", Price: e.LastPrice, Volume: e.LastQty,
			Fee: cmp.Or(e.Fee, "0"), FeeAsset: e.FeeAsset, Maker: e.Maker, Time: e.Time,
		}.tell(ctx, to)
		if err != nil {
			return err
		}
	}
	to.Order(report)
	return nil
}

// changed hands on what is held since a balance or a position changed. The
// balances themselves are asked for: the event has only a part of each.
func (s contractStream) changed(ctx context.Context, event contractEvent, to *private.Delivery) error {
	var e struct {
		Positions []struct {
			Symbol   string `json:"s"`
			Amount   string `json:"pa"`
			Entry    string `json:"ep"`
			Realised string `json:"cr"` // before fees
			Side     string `json:"ps"`
		} `json:"P"`
	}
	if event.Changes == nil || json.Unmarshal(event.Changes, &e) != nil {
		return errors.New("an event of balances makes no sense")
	}
	for _, p := range e.Positions {
		told, ok, err := s.told(position{Symbol: p.Symbol, Side: p.Side, Amount: p.Amount, Entry: p.Entry, Updated: event.Time, realised: p.Realised})
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := to.Position(ctx, told); err != nil {
			return err
		}
	}
	return nil
}
