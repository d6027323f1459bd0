package restproto

// ExchangeInfo is the venue's catalogue.
type ExchangeInfo struct {
	Timezone        string      `json:"timezone"`
	ServerTime      int64       `json:"serverTime"` // unix milliseconds
	RateLimits      []RateLimit `json:"rateLimits"`
	ExchangeFilters []string    `json:"exchangeFilters"`
	Symbols         []Symbol    `json:"symbols"`
}

// RateLimit is a limit of requests.
type RateLimit struct {
	Type        string `json:"rateLimitType"`
	Interval    string `json:"interval"`
	IntervalNum int    `json:"intervalNum"`
	Limit       int    `json:"limit"`
}

// Symbol is a market of the catalogue.
type Symbol struct {
	Symbol               string   `json:"symbol"`
	Status               string   `json:"status"`
	BaseAsset            string   `json:"baseAsset"`
	BaseAssetPrecision   int      `json:"baseAssetPrecision"`
	QuoteAsset           string   `json:"quoteAsset"`
	QuotePrecision       int      `json:"quotePrecision"`
	QuoteAssetPrecision  int      `json:"quoteAssetPrecision"`
	OrderTypes           []string `json:"orderTypes"`
	IsSpotTradingAllowed bool     `json:"isSpotTradingAllowed"`
	Filters              []any    `json:"filters"`
	Permissions          []string `json:"permissions"`
}

// NewSymbol is a spot market that is open for trade.
func NewSymbol(base, quote string, filters ...any) Symbol {
	return Symbol{
		Symbol: base + quote, Status: "TRADING",
		BaseAsset: base, BaseAssetPrecision: 8,
		QuoteAsset: quote, QuotePrecision: 8, QuoteAssetPrecision: 8,
		OrderTypes:           []string{"LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"},
		IsSpotTradingAllowed: true,
		Filters:              filters,
		Permissions:          []string{"SPOT"},
	}
}

// PriceFilter bounds prices. Numbers are decimal text, as in all filters.
type PriceFilter struct {
	Type     string `json:"filterType"` // PRICE_FILTER
	MinPrice string `json:"minPrice"`
	MaxPrice string `json:"maxPrice"`
	TickSize string `json:"tickSize"`
}

// LotSize bounds sizes.
type LotSize struct {
	Type     string `json:"filterType"` // LOT_SIZE
	MinQty   string `json:"minQty"`
	MaxQty   string `json:"maxQty"`
	StepSize string `json:"stepSize"`
}

// Notional bounds price × size.
type Notional struct {
	Type             string `json:"filterType"` // NOTIONAL
	MinNotional      string `json:"minNotional"`
	ApplyMinToMarket bool   `json:"applyMinToMarket"`
	MaxNotional      string `json:"maxNotional"`
	ApplyMaxToMarket bool   `json:"applyMaxToMarket"`
	AvgPriceMins     int    `json:"avgPriceMins"`
}
