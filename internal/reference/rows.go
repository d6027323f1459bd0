package main

import "github.com/fullon/fullon/domain"

// row is what one verb of the Python library became, or several of them that
// became the same.
type row struct {
	seed string // its verbs, separated by spaces
	verb string // of package client, as Type.Method; empty: there is none
	cli  string // command of fullon; empty: there is none
	kind domain.Kind
	key  string // suffixes of keys in Redis, as in the documentation of package cachestore
	note string // what is different, or why there is none
}

// section is one class of the Python library.
type section struct {
	class string
	rows  []row
}

// errors lists what the errors of the row's verb may match.
func (r row) errors(verbs map[string]verb, said comments) []string {
	if !verbs[r.verb].fails {
		return nil
	}
	return said.errors(r.verb, r.kind != "")
}

const (
	noRaw    = "none: raw Redis commands are no part of the contract; each cache has verbs of its own"
	noLoop   = "none: Go has one scheduler"
	noStatus = "status is computed from the trades, so it cannot disagree with them"
)

var sections = []section{
	{"BaseCache", []row{
		{"close __aenter__ __aexit__", "Client.Close", "", "", "", "connections are opened once, not for each operation"},
		{"ping", "Client.Ping", "get health", "", "", ""},
		{"info test", "Client.Health", "get health", "", "", "log and Redis, with their round trips"},
		{"flushdb delete_pattern prepare_cache", "Client.Clear", "clear", "", "", "only the deployment's own keys, with a confirmation; the log brings back what it has"},
		{"push_global_error pop_global_error", "VenueErrors.Push", "get errors", "", "{VENUE_ERRORS}:<exchange>", "by exchange"},
		{"get set delete exists expire get_json set_json hget hset hgetall hdel lpush rpush lpop blpop ltrim lrange llen scard xadd xread xdel xlen xtrim scan_keys scan_iter get_keys pipeline", "", "", "", "", noRaw},
		{"publish subscribe", "Processes.Broadcast", "broadcast", "", "{PROCESSES}:broadcasts:<type>", "every cache has a Watch of its own that misses nothing"},
	}},
	{"ConnectionPool, EventLoopManager", []row{
		{"get_pool get_connection get_redis reset reset_async", "", "", "", "", "none: client.Connect makes the connections, Client.Close ends them"},
		{"get_config", "Client.Status", "status", "", "", "never shows a password"},
		{"get_performance_info", "Client.Status", "status", "", "", "streams, checkpoints and lag"},
		{"configure get_active_policy get_policy_info benchmark_policy configure_event_loop is_uvloop_active benchmark_current_policy", "", "", "", "", noLoop},
	}},
	{"TickCache", []row{
		{"set_ticker", "Ticks.Set", "set ticker", domain.KindTick, "{<stream>}:ticks:<exchange>", "an older tick never replaces a newer one"},
		{"get_ticker", "Ticks.Get", "get ticker", "", "{<stream>}:ticks:<exchange>", "missing, unreachable and stale are different answers"},
		{"get_price", "Ticks.Price", "get price", "", "{<stream>}:ticks:<exchange>", "a stale tick is an error"},
		{"get_next_ticker", "Ticks.Next", "watch tickers", "", "{<stream>}:changed", "the next one, never the stored one"},
		{"stream_ticker_updates", "Ticks.Watch", "watch tickers", "", "{<stream>}:changed", "what is there, then every change"},
		{"get_any_ticker get_ticker_any", "Ticks.Any", "get ticker", "", "{<stream>}:exchanges", "the newest of all exchanges"},
		{"get_all_tickers get_tickers", "Ticks.All", "get tickers", "", "{<stream>}:ticks:<exchange>", ""},
		{"get_tick_crawlers", "Ticks.Exchanges", "get processes", "", "{<stream>}:exchanges", ""},
		{"delete_ticker", "Ticks.Delete", "delete ticker", domain.KindTick, "{<stream>}:ticks:<exchange>", ""},
		{"delete_exchange_tickers del_exchange_ticker", "Ticks.DeleteExchange", "delete ticker", domain.KindTick, "{<stream>}:ticks:<exchange>", ""},
		{"update_ticker", "Ticks.Update", "set ticker", domain.KindTick, "{<stream>}:ticks:<exchange>", "loses no concurrent update"},
		{"round_down", "Symbol.RoundVolume", "", "", "", "exact, to the venue's step; of package domain"},
	}},
	{"OrdersCache", []row{
		{"push_open_order", "Orders.Push", "order push", domain.KindOrder, "{<stream>}:tickets", "one order for each client order id, whoever retries"},
		{"pop_open_order", "Orders.Pop", "", "", "{<stream>}:leases", "a lease: an order whose holder dies is handed out again; Orders.Ack ends it, `fullon deadletter` shows what nobody could deal with"},
		{"save_order save_order_data set_order_status set_orders_status", "Orders.Save", "", domain.KindOrder, "{<stream>}:orders", "legal transitions only; by workers, not by hand"},
		{"update_order", "Orders.Update", "", domain.KindOrder, "{<stream>}:orders", "loses no concurrent update; a field can be cleared"},
		{"get_order get_order_data", "Orders.Get", "order get", "", "{<stream>}:orders", ""},
		{"get_order_status", "Orders.Status", "order get", "", "{<stream>}:orders", ""},
		{"get_orders", "Orders.List", "order list", "", "{<stream>}:live", "by exchange, symbol, bot and status; Orders.Watch follows them"},
		{"delete_order_status delete_order_data", "Orders.Delete", "order delete", domain.KindOrder, "{<stream>}:orders", "only what has ended"},
		{"get_queue_length", "Orders.QueueLength", "queue", "", "{<stream>}:waitcount", ""},
		{"get_full_accounts", "Accounts.Balances", "get balances", "", "{<stream>}:balances:<account>", ""},
	}},
	{"TradesCache", []row{
		{"push_trade push_trade_list", "Trades.Push", "set trade", domain.KindTrade, "{<stream>}:trades:<exchange>:<symbol>", "kept once, by the venue's id"},
		{"get_trades get_trades_list", "Trades.List", "get trades", "", "{<stream>}:trades:<exchange>:<symbol>", "takes nothing away"},
		{"get_trade_analytics", "Trades.Analytics", "get analytics", "", "{<stream>}:trades:<exchange>:<symbol>", ""},
		{"update_trade_status get_trade_status get_all_trade_statuses get_trade_status_keys", "Trades.Status", "", "", "{<stream>}:trades:<exchange>:<symbol>", noStatus},
		{"push_user_trade push_my_trades_list", "Fills.Push", "set fill", domain.KindFill, "{<stream>}:fills:<account>:<exchange>", "kept once, by the venue's id"},
		{"pop_user_trade pop_my_trade", "Fills.Pop", "", "", "{<stream>}:leases:<account>:<exchange>", "a lease; Fills.Ack ends it"},
		{"update_user_trade_status delete_user_trade_statuses", "Fills.Status", "get fills", "", "{<stream>}:fills:<account>:<exchange>", "status is computed from the fills"},
	}},
	{"AccountCache", []row{
		{"upsert_positions", "Accounts.ReplacePositions", "", domain.KindPositions, "{<stream>}:positions:<account>", "replaces the whole set, as its name says"},
		{"upsert_position set_position", "Accounts.SetPosition", "set position", domain.KindPosition, "{<stream>}:positions:<account>", "changes one symbol"},
		{"delete_position", "Accounts.DeletePosition", "delete position", domain.KindPosition, "{<stream>}:positions:<account>", ""},
		{"clean_positions", "Accounts.ReplacePositions", "", domain.KindPositions, "{<stream>}:positions:<account>", "with an empty set; balances stay"},
		{"get_position", "Accounts.Position", "get positions", "", "{<stream>}:positions:<account>", "flat and unknown are different answers"},
		{"get_positions", "Accounts.Positions", "get positions", "", "{<stream>}:positions:<account>", "of this account only"},
		{"get_all_positions", "Accounts.List", "get accounts", "", "{<stream>}:accounts", "then Accounts.Positions of each"},
		{"upsert_user_account set_user_balances", "Accounts.SetBalances", "set balance", domain.KindBalance, "{<stream>}:balances:<account>", "other currencies stay as they are"},
		{"get_user_balance", "Accounts.Balance", "get balances", "", "{<stream>}:balances:<account>", ""},
		{"get_user_balances get_full_account", "Accounts.Balances", "get balances", "", "{<stream>}:balances:<account>", ""},
		{"get_all_accounts", "Accounts.List", "get accounts", "", "{<stream>}:accounts", ""},
		{"get_portfolio_summary", "Accounts.Portfolio", "get portfolio", "", "{<stream>}:balances:<account>", "what has no current price is named, not guessed"},
	}},
	{"BotCache", []row{
		{"block_exchange", "Bots.Block", "block", domain.KindBlock, "{<stream>}:blocks", "one winner, with a fencing token and an expiry"},
		{"unblock_exchange", "Bots.Unblock", "unblock", domain.KindBlock, "{<stream>}:blocks", "by the holder only"},
		{"is_blocked", "Bots.IsBlocked", "blocks", "", "{<stream>}:blocks", "an error is never \"free\""},
		{"get_blocks", "Bots.Blocks", "blocks", "", "{<stream>}:blocks", ""},
		{"mark_opening_position", "Bots.MarkOpening", "opening mark", domain.KindOpening, "{<stream>}:openings", "check and mark are one step"},
		{"unmark_opening_position", "Bots.UnmarkOpening", "opening unmark", domain.KindOpening, "{<stream>}:openings", "by the holder only"},
		{"is_opening_position", "Bots.IsOpening", "opening list", "", "{<stream>}:openings", ""},
		{"update_bot", "Bots.UpdateStatus", "set bot", domain.KindBot, "{CATALOG}:bot:<bot>", "one feed; others stay"},
		{"del_bot del_status", "Bots.DeleteStatus", "delete bot", domain.KindBot, "{CATALOG}:bot:<bot>", ""},
		{"get_bots", "Bots.Statuses", "get bots", "", "{CATALOG}:bots", ""},
	}},
	{"OHLCVCache", []row{
		{"update_ohlcv_bars", "Candles.Put", "set candle", domain.KindCandle, "{<stream>}:candles:<exchange>:<symbol>", "a forming bar is replaced, a late one is put in its place"},
		{"get_latest_ohlcv_bars", "Candles.Latest", "get candles", "", "{<stream>}:candles:<exchange>:<symbol>", "by exchange"},
	}},
	{"ProcessCache", []row{
		{"register_process", "Processes.Register", "", "", "{PROCESSES}:about", ""},
		{"update_process", "Processes.Update", "", "", "{PROCESSES}:status", "a stopped process stays stopped"},
		{"get_process", "Processes.Get", "get process", "", "{PROCESSES}:about", ""},
		{"get_active_processes get_top", "Processes.Active", "get processes", "", "{PROCESSES}:about", ""},
		{"stop_process", "Processes.Stop", "", "", "{PROCESSES}:status", "of this process only"},
		{"delete_from_top", "Processes.Remove", "delete process", "", "{PROCESSES}:about", ""},
		{"cleanup_stale_processes", "Processes.CleanUp", "delete process", "", "{PROCESSES}:beats", ""},
		{"get_process_history", "", "", "", "", "none: it always gave an empty list; what a process did is in its own log"},
		{"get_component_status", "Processes.Component", "get process", "", "{PROCESSES}:about", ""},
		{"get_system_health", "Processes.SystemHealth", "get health", "", "{PROCESSES}:beats", "by each process's own interval"},
		{"broadcast_message", "Processes.Broadcast", "broadcast", "", "{PROCESSES}:broadcasts:<type>", "Processes.Subscribe reads them"},
		{"get_metrics", "Processes.Metrics", "get health", "", "{PROCESSES}:registrations", ""},
	}},
	{"ExchangeCache", []row{
		{"get_exchange get_exchange_by_name", "Venues.Get", "get venues", "", "{CATALOG}:venues", "without accounts and keys"},
		{"get_exchanges get_cat_exchanges", "Venues.List", "get venues", "", "{CATALOG}:venues", ""},
		{"add_exchange update_exchange", "Venues.Set", "set venue", domain.KindVenue, "{CATALOG}:venues", ""},
		{"delete_exchange", "Venues.Delete", "delete venue", domain.KindVenue, "{CATALOG}:venues", "with its symbols"},
		{"invalidate_cache", "", "", "", "", "none: the cache is a fold of the log and is never invalid"},
		{"push_ws_error", "VenueErrors.Push", "", "", "{VENUE_ERRORS}:<exchange>", ""},
		{"pop_ws_error", "VenueErrors.Pop", "get errors", "", "{VENUE_ERRORS}:<exchange>", ""},
	}},
	{"SymbolCache", []row{
		{"get_symbols get_symbols_by_ex_id get_symbols_for_exchange", "Symbols.List", "get symbols", "", "{CATALOG}:symbols:<exchange>", ""},
		{"get_symbol get_symbol_by_model", "Symbols.Get", "get symbol", "", "{CATALOG}:symbols:<exchange>", "Symbols.ByVenueSymbol takes the venue's spelling"},
		{"symbol_exists", "Symbols.Exists", "get symbol", "", "{CATALOG}:symbols:<exchange>", ""},
		{"add_symbol update_symbol", "Symbols.Set", "set symbol", domain.KindSymbol, "{CATALOG}:symbols:<exchange>", ""},
		{"delete_symbol delete_symbol_legacy delete_symbol_orm", "Symbols.Delete", "delete symbol", domain.KindSymbol, "{CATALOG}:symbols:<exchange>", ""},
	}},
}
