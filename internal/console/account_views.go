package console

import (
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

type balanceView struct {
	Account  string     `json:"account"`
	Currency string     `json:"currency"`
	Total    string     `json:"total"`
	Free     string     `json:"free"`
	Used     string     `json:"used"`
	Time     *time.Time `json:"time"`
	Sequence uint64     `json:"sequence"`
}

func viewBalance(b domain.Balance) balanceView {
	return balanceView{
		Account: b.Account, Currency: b.Currency, Total: b.Total.String(), Free: b.Free.String(), Used: b.Used.String(),
		Time: moment(b.Time), Sequence: b.Sequence,
	}
}

type positionView struct {
	Account  string     `json:"account"`
	Symbol   string     `json:"symbol"`
	Exchange string     `json:"exchange"`
	Volume   string     `json:"volume"`
	Price    string     `json:"price"`
	Cost     string     `json:"cost"`
	Fee      string     `json:"fee"`
	Realised string     `json:"realised"`
	Flat     bool       `json:"flat"`
	Time     *time.Time `json:"time"`
	Sequence uint64     `json:"sequence"`
}

func viewPosition(p domain.Position) positionView {
	return positionView{
		Account: p.Account, Symbol: p.Symbol, Exchange: p.Exchange, Volume: p.Volume.String(), Price: p.Price.String(), Cost: p.Cost.String(),
		Fee: p.Fee.String(), Realised: p.Realised.String(), Flat: p.Flat(), Time: moment(p.Time), Sequence: p.Sequence,
	}
}

type fillView struct {
	Account       string     `json:"account"`
	Exchange      string     `json:"exchange"`
	Symbol        string     `json:"symbol"`
	TradeID       string     `json:"trade_id"`
	OrderID       string     `json:"order_id"`
	ClientOrderID string     `json:"client_order_id"`
	Side          string     `json:"side"`
	Price         string     `json:"price"`
	Volume        string     `json:"volume"`
	Cost          string     `json:"cost"`
	Fee           string     `json:"fee"`
	FeeCurrency   string     `json:"fee_currency"`
	Maker         bool       `json:"maker"`
	Time          *time.Time `json:"time"`
	Sequence      uint64     `json:"sequence"`
}

func viewFill(f domain.Fill) fillView {
	return fillView{
		Account: f.Account, Exchange: f.Exchange, Symbol: f.Symbol, TradeID: f.ID, OrderID: f.OrderID, ClientOrderID: f.ClientOrderID,
		Side: f.Side.String(), Price: f.Price.String(), Volume: f.Volume.String(), Cost: f.Cost().String(), Fee: f.Fee.String(),
		FeeCurrency: f.FeeCurrency, Maker: f.Maker, Time: moment(f.Time), Sequence: f.Sequence,
	}
}

type fillStatusView struct {
	Account  string     `json:"account"`
	Exchange string     `json:"exchange"`
	Kept     int        `json:"kept"`
	Waiting  int        `json:"waiting"`
	Leased   int        `json:"leased"`
	Dropped  uint64     `json:"dropped"`
	Last     *time.Time `json:"last"`
}

type holdingView struct {
	balanceView
	Valuation string `json:"valuation"`
	Price     string `json:"price"`
	Value     string `json:"value"`
}

type positionValueView struct {
	positionView
	Valuation  string `json:"valuation"`
	Mark       string `json:"mark"`
	Value      string `json:"value"`
	Unrealised string `json:"unrealised"`
}

type portfolioView struct {
	Account        string              `json:"account"`
	Quote          string              `json:"quote"`
	Total          string              `json:"total"`
	Complete       bool                `json:"complete"`
	Stale          []string            `json:"stale"`
	Unvalued       []string            `json:"unvalued"`
	Holdings       []holdingView       `json:"holdings"`
	Positions      []positionValueView `json:"positions"`
	PositionsKnown bool                `json:"positions_known"`
}

func viewPortfolio(p client.Portfolio) portfolioView {
	v := portfolioView{
		Account: p.Account, Quote: p.Quote, Total: p.Total.String(), Complete: p.Complete(), PositionsKnown: p.PositionsKnown,
		// Empty lists, not null, so that who reads them need not ask.
		Stale: append([]string{}, p.Stale...), Unvalued: append([]string{}, p.Unvalued...),
		Holdings: []holdingView{}, Positions: []positionValueView{},
	}
	for _, h := range p.Holdings {
		v.Holdings = append(v.Holdings, holdingView{viewBalance(h.Balance), string(h.Valuation), h.Price.String(), h.Value.String()})
	}
	for _, q := range p.Positions {
		v.Positions = append(v.Positions, positionValueView{
			viewPosition(q.Position), string(q.Valuation), q.Mark.String(), q.Value.String(), q.Unrealised.String(),
		})
	}
	return v
}

var (
	balanceColumns = []table.Column{
		{Title: "CURRENCY"}, {Title: "TOTAL", Align: table.Point}, {Title: "FREE", Align: table.Point}, {Title: "USED", Align: table.Point}, {Title: "TIME"},
	}
	positionColumns = []table.Column{
		{Title: "SYMBOL"}, {Title: "VOLUME", Align: table.Point}, {Title: "PRICE", Align: table.Point}, {Title: "COST", Align: table.Point},
		{Title: "FEE", Align: table.Point}, {Title: "REALISED", Align: table.Point}, {Title: "EXCHANGE"}, {Title: "TIME"},
	}
	fillColumns = []table.Column{
		{Title: "TIME"}, {Title: "ID", Align: table.Right}, {Title: "SYMBOL"}, {Title: "SIDE"}, {Title: "PRICE", Align: table.Point},
		{Title: "VOLUME", Align: table.Point}, {Title: "FEE", Align: table.Point}, {}, {Title: "ORDER"},
	}
	fillStatusColumns = []table.Column{
		{Title: "EXCHANGE"}, {Title: "KEPT", Align: table.Right}, {Title: "WAITING", Align: table.Right}, {Title: "LEASED", Align: table.Right},
		{Title: "DROPPED", Align: table.Right}, {Title: "LAST"},
	}
	holdingColumns = []table.Column{
		{Title: "CURRENCY"}, {Title: "TOTAL", Align: table.Point}, {Title: "PRICE", Align: table.Point}, {Title: "VALUE", Align: table.Point}, {},
	}
)

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05.000")
}

func balanceRow(b domain.Balance) []string {
	return []string{b.Currency, b.Total.String(), b.Free.String(), b.Used.String(), clock(b.Time)}
}

func positionRow(p domain.Position) []string {
	volume := p.Volume.String()
	if p.Flat() {
		volume = "flat"
	}
	return []string{
		p.Symbol, volume, orDash(p.Price), orDash(p.Cost), orDash(p.Fee), orDash(p.Realised), p.Exchange, clock(p.Time),
	}
}

func fillRow(f domain.Fill) []string {
	order := f.ClientOrderID
	if order == "" {
		order = f.OrderID
	}
	return []string{
		clock(f.Time), f.ID, f.Symbol, f.Side.String(), f.Price.String(), f.Volume.String(), orDash(f.Fee), f.FeeCurrency, order,
	}
}

func holdingRow(h client.Holding) []string {
	note := ""
	switch h.Valuation {
	case client.Stale:
		note = "STALE, not in the total"
	case client.Unvalued:
		note = "no tick, not in the total"
	}
	return []string{h.Currency, h.Total.String(), orDash(h.Price), orDash(h.Value), note}
}
