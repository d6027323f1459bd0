package sim

import (
	"maps"
	"slices"
	"sort"

	"github.com/fullon/fullon/internal/sim/restproto"
)

type restBalance struct {
	Asset  string `json:"asset"`
	Free   fixed  `json:"free"`
	Locked fixed  `json:"locked"`
}

func (x *Exchange) accountInfo(c call) (any, error) {
	omit := c.values.Get("omitZeroBalances") == "true"
	balances := []restBalance{}
	for _, asset := range slices.Sorted(maps.Keys(c.account.assets)) {
		if f := c.account.assets[asset]; !omit || *f != (funds{}) {
			balances = append(balances, restBalance{asset, f.free, f.locked})
		}
	}
	points := func(rate fixed) fixed { return rate / (unit / 10_000) }
	return struct {
		MakerPoints int64            `json:"makerCommission"`
		TakerPoints int64            `json:"takerCommission"`
		Rates       map[string]fixed `json:"commissionRates"`
		CanTrade    bool             `json:"canTrade"`
		CanWithdraw bool             `json:"canWithdraw"`
		CanDeposit  bool             `json:"canDeposit"`
		UpdateTime  int64            `json:"updateTime"`
		AccountType string           `json:"accountType"`
		Balances    []restBalance    `json:"balances"`
		Permissions []string         `json:"permissions"`
	}{
		MakerPoints: int64(points(x.maker)), TakerPoints: int64(points(x.taker)),
		Rates:    map[string]fixed{"maker": x.maker, "taker": x.taker, "buyer": 0, "seller": 0},
		CanTrade: true, UpdateTime: c.account.updated, AccountType: "SPOT", Balances: balances, Permissions: []string{"SPOT"},
	}, nil
}

type restMyTrade struct {
	Symbol          string `json:"symbol"`
	ID              int64  `json:"id"`
	OrderID         int64  `json:"orderId"`
	OrderListID     int64  `json:"orderListId"`
	Price           fixed  `json:"price"`
	Qty             fixed  `json:"qty"`
	QuoteQty        fixed  `json:"quoteQty"`
	Commission      fixed  `json:"commission"`
	CommissionAsset string `json:"commissionAsset"`
	Time            int64  `json:"time"`
	IsBuyer         bool   `json:"isBuyer"`
	IsMaker         bool   `json:"isMaker"`
	IsBestMatch     bool   `json:"isBestMatch"`
}

// myTrades answers with the first ones where it is told where to begin, else
// with the last ones.
func (x *Exchange) myTrades(c call) (any, error) {
	m, err := c.market(x)
	if err != nil {
		return nil, err
	}
	limit, err := restproto.Limit(c.values)
	if err != nil {
		return nil, err
	}
	from, err := restproto.Int(c.values, "fromId", 0)
	if err != nil {
		return nil, err
	}
	order, err := restproto.Int(c.values, "orderId", 0)
	if err != nil {
		return nil, err
	}
	begin, end, timed, err := c.period()
	if err != nil {
		return nil, err
	}
	byID := c.values.Get("fromId") != ""
	if byID && (timed || c.values.Get("endTime") != "") {
		return nil, restproto.ErrBoth
	}
	fills := c.account.fills[m]
	fills = fills[sort.Search(len(fills), func(i int) bool { return fills[i].id >= from && fills[i].ms >= begin }):]
	out := []restMyTrade{}
	for _, f := range fills {
		if f.ms > end || order != 0 && f.order.ID != order {
			continue
		}
		out = append(out, restMyTrade{
			Symbol: m.venue, ID: f.id, OrderID: f.order.ID, OrderListID: -1, Price: m.price(f.ticks), Qty: m.size(f.lots),
			QuoteQty: f.cost, Commission: f.commission, CommissionAsset: f.asset, Time: f.ms,
			IsBuyer: f.order.Buy, IsMaker: f.maker == f.order.Buy, IsBestMatch: true,
		})
	}
	if len(out) <= limit {
		return out, nil
	}
	if byID || timed {
		return out[:limit], nil
	}
	return out[len(out)-limit:], nil
}
