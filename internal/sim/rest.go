package sim

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/fullon/fullon/internal/sim/restproto"
)

// handler routes both protocols; they share the port.
func (x *Exchange) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ws", x.serveStream)
	mux.HandleFunc("GET /ws/", x.serveStream)
	mux.HandleFunc("GET /stream", x.serveStream)
	mux.HandleFunc("GET /ws-api/v3", x.serveAPI)
	x.privateEndpoints(mux)
	for path, endpoint := range map[string]struct {
		weight int
		answer func(query) (any, error)
	}{
		"ping":              {1, x.ping},
		"time":              {1, x.time},
		"exchangeInfo":      {20, x.exchangeInfo},
		"trades":            {25, x.trades},
		"historicalTrades":  {25, x.historicalTrades},
		"aggTrades":         {4, x.aggTrades},
		"klines":            {2, x.klines},
		"ticker/24hr":       {2, x.ticker24h},
		"ticker/bookTicker": {2, x.bookTicker},
	} {
		mux.HandleFunc("GET /api/v3/"+path, func(w http.ResponseWriter, r *http.Request) {
			if x.admit(w, endpoint.weight) {
				x.answer(w, r, endpoint.answer)
			}
		})
	}
	return mux
}

// admit counts a request's weight and refuses it beyond the limit.
func (x *Exchange) admit(w http.ResponseWriter, weight int) bool {
	used, wait := x.weight.add(x.cfg.Clock.Now(), weight, x.cfg.WeightLimit)
	// Set as the venue spells them, past Go's canonical form.
	w.Header()["X-MBX-USED-WEIGHT"] = []string{strconv.Itoa(used)}
	w.Header()["X-MBX-USED-WEIGHT-1M"] = []string{strconv.Itoa(used)}
	if wait == 0 {
		return true
	}
	w.Header().Set("Retry-After", seconds(wait))
	restproto.Write(w, x.cfg.Logger, nil, &restproto.Error{
		Status: http.StatusTooManyRequests, Code: -1003,
		Msg: fmt.Sprintf("Too much request weight used; the limit is %d a minute.", x.cfg.WeightLimit),
	})
	return false
}

func (x *Exchange) answer(w http.ResponseWriter, r *http.Request, answer func(query) (any, error)) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		restproto.Write(w, x.cfg.Logger, nil, restproto.Bad(-1100, "Illegal characters found in a parameter."))
		return
	}
	x.mu.Lock()
	body, err := answer(query{values})
	x.mu.Unlock()
	restproto.Write(w, x.cfg.Logger, body, err)
}

// query reads a request's parameters.
type query struct{ values url.Values }

// market is the market that the mandatory symbol names.
func (q query) market(x *Exchange) (*market, error) {
	name := q.values.Get("symbol")
	if name == "" {
		return nil, restproto.ErrNoSymbol
	}
	m := x.byVenue[name]
	if m == nil {
		return nil, restproto.ErrSymbol
	}
	return m, nil
}

// markets are those that the optional symbol or symbols name, all without
// either. one: a single one was asked for by symbol.
func (q query) markets(x *Exchange) (all []*market, one bool, err error) {
	names, one, err := restproto.Symbols(q.values)
	if err != nil || names == nil {
		return x.markets, false, err
	}
	for _, name := range names {
		m := x.byVenue[name]
		if m == nil {
			return nil, false, restproto.ErrSymbol
		}
		all = append(all, m)
	}
	return all, one, nil
}

// period is startTime and endTime in unix milliseconds; given: there is a start.
func (q query) period() (from, to int64, given bool, err error) {
	if from, err = restproto.Int(q.values, "startTime", 0); err != nil {
		return 0, 0, false, err
	}
	if to, err = restproto.Int(q.values, "endTime", math.MaxInt64); err != nil {
		return 0, 0, false, err
	}
	return from, to, q.values.Get("startTime") != "", nil
}
