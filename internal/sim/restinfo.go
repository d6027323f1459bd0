package sim

import (
	"math"

	"github.com/fullon/fullon/internal/sim/restproto"
)

func (x *Exchange) ping(query) (any, error) { return struct{}{}, nil }

func (x *Exchange) time(query) (any, error) {
	return struct {
		ServerTime int64 `json:"serverTime"`
	}{x.serverTime()}, nil
}

// serverTime is never behind what has been published.
func (x *Exchange) serverTime() int64 {
	return max(x.now.UnixMilli(), x.cfg.Clock.Now().UnixMilli())
}

func (x *Exchange) exchangeInfo(q query) (any, error) {
	markets, _, err := q.markets(x)
	if err != nil {
		return nil, err
	}
	info := restproto.ExchangeInfo{
		Timezone: "UTC", ServerTime: x.serverTime(), ExchangeFilters: []string{},
		RateLimits: []restproto.RateLimit{
			{Type: "REQUEST_WEIGHT", Interval: "MINUTE", IntervalNum: 1, Limit: x.cfg.WeightLimit},
			{Type: "ORDERS", Interval: "SECOND", IntervalNum: 10, Limit: x.cfg.OrderLimit},
		},
		Symbols: []restproto.Symbol{},
	}
	for _, m := range markets {
		info.Symbols = append(info.Symbols, m.info())
	}
	return info, nil
}

func (m *market) info() restproto.Symbol {
	const most = mostOfAnything
	maxLots := min(most/m.lot, math.MaxInt32)
	return restproto.NewSymbol(m.base, m.quoteAsset,
		restproto.PriceFilter{
			Type: "PRICE_FILTER", MinPrice: m.tick.String(), TickSize: m.tick.String(),
			MaxPrice: (1_000_000 * unit / m.tick * m.tick).String(),
		},
		restproto.LotSize{
			Type: "LOT_SIZE", MinQty: m.lot.String(), MaxQty: (maxLots * m.lot).String(), StepSize: m.lot.String(),
		},
		restproto.Notional{
			Type: "NOTIONAL", MinNotional: m.minNotional.String(), ApplyMinToMarket: true,
			MaxNotional: most.String(), AvgPriceMins: 5,
		},
	)
}
