package binance

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/private"
)

// ownPerpetuals is where USD-M futures are. Their test network has keys of its
// own, which are not those of spot's.
var ownPerpetuals = private.Own{
	Exchange:  own.Exchange,
	Test:      private.Hosts{REST: "https://demo-fapi.binance.com", Stream: "wss://demo-fstream.binance.com/private/ws"},
	Real:      private.Hosts{REST: "https://fapi.binance.com", Stream: "wss://fstream.binance.com/private/ws"},
	IsReal:    isReal,
	Contracts: true, BySymbol: true,
	BooksEvery: booksEvery,
}

// perpetuals is Binance's part of an account for USD-M futures, in one-way mode.
type perpetuals struct {
	account

	mu       sync.Mutex
	assets   map[string]bool           // those that a balance was told of
	listed   bool                      // positions were asked for since the connection was made
	held     map[string]bool           // symbols that a position was told of, and not that it is flat
	realised map[string]domain.Decimal // by symbol, where an event told it
	searched map[string]time.Time      // by symbol, until when there was no trade
}

// NewPerpetuals makes the venue of an account for USD-M futures; it connects to
// nothing. The key wants reading and trading of futures. The error is a
// *domain.FieldError.
func NewPerpetuals(cfg private.Config) (*private.Venue, error) {
	return private.New(cfg, ownPerpetuals, func(a *private.Account) (private.API, error) {
		return &perpetuals{
			account: account{Account: a, clock: "/fapi/v1/time"},
			assets:  make(map[string]bool), held: make(map[string]bool), realised: make(map[string]domain.Decimal),
			searched: make(map[string]time.Time),
		}, nil
	})
}

const contractPath = "/fapi/v1/order"

// Check implements private.Orders.
func (*perpetuals) Check(o domain.Order, _ domain.Symbol) (reason string) {
	switch {
	case o.Type.HasStop():
		return "stops are not sent for perpetuals of Binance, which has them as algo orders, with ids and a life of their own"
	case o.TimeInForce == domain.FillOrKill && !o.Type.HasPrice():
		return "Binance knows fill or kill only for orders with a limit"
	}
	return ""
}

// contractParams writes an order in the venue's words.
func contractParams(o domain.Order, symbol string) url.Values {
	p := url.Values{
		"symbol": {symbol}, "newClientOrderId": {o.ID}, "quantity": {o.Volume.String()}, "newOrderRespType": {"RESULT"}, "side": {"BUY"},
		"positionSide": {oneWay}, "type": {"MARKET"}, // which the venue never lets rest
	}
	if o.Side == domain.Sell {
		p.Set("side", "SELL")
	}
	if o.ReduceOnly {
		p.Set("reduceOnly", "true")
	}
	if o.Type == domain.Limit {
		p.Set("type", "LIMIT")
		p.Set("price", o.Price.String())
		p.Set("timeInForce", timeInForce(o))
		if o.TimeInForce == domain.PostOnly {
			p.Set("timeInForce", "GTX")
		}
	}
	return p
}

// order sends a request about one order.
func (a *perpetuals) order(ctx context.Context, method string, params url.Values) (execution.Report, error) {
	got, err := ask[order](ctx, a.account, method, contractPath, params)
	if err != nil {
		return execution.Report{}, err
	}
	return got.report()
}

// Submit implements private.Orders.
func (a *perpetuals) Submit(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	return a.order(ctx, http.MethodPost, contractParams(o, symbol.VenueSymbol))
}

// Cancel implements private.Orders. Its answer has the id of the order, not one
// of the request.
func (a *perpetuals) Cancel(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	return a.order(ctx, http.MethodDelete, named(o, symbol))
}

// Query implements private.Orders.
func (a *perpetuals) Query(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	return a.order(ctx, http.MethodGet, named(o, symbol))
}

// Open implements private.Orders.
func (a *perpetuals) Open(ctx context.Context) ([]execution.Report, error) {
	return a.open(ctx, "/fapi/v1/openOrders")
}
