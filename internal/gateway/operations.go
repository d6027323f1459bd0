package gateway

// operations is every verb of the protocol.
func operations() *table {
	return newTable(baseOperations(), tickOperations(), tradeOperations(), candleOperations(), accountOperations(),
		orderOperations(), botOperations(), processOperations(), catalogueOperations())
}

// The topics of the Python server's endpoints.
const (
	topicTickers   = "tickers"
	topicOrders    = "orders"
	topicTrades    = "trades"
	topicAccounts  = "accounts"
	topicBots      = "bots"
	topicOHLCV     = "ohlcv"
	topicProcesses = "process"
)

// marketParams name a market.
type marketParams struct {
	Exchange string `json:"exchange" need:"yes"`
	Symbol   string `json:"symbol" need:"yes"`
}

// exchangeParams name an exchange.
type exchangeParams struct {
	Exchange string `json:"exchange" need:"yes"`
}

// noParams are those of operations that need none.
type noParams struct{}

// Stored is the answer to an operation that writes to the log.
type Stored struct {
	Stream   string `json:"stream"`
	Sequence uint64 `json:"sequence"`
}
