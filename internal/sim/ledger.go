package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// ledger keeps the accounts in a file: one line of JSON a step, with the states
// that orders and balances have after it, and its fills. So the accounts are
// the lines applied in order. A line that a killed process left incomplete is
// cut off when the file is opened. Not safe for concurrent use.
type ledger struct {
	path    string
	file    *os.File
	x       *Exchange
	lines   int
	compact int // lines at which the file is written anew
}

// minLines is how long the file may be before it is written anew.
const minLines = 10_000

// The form of the file.
type (
	ledgerLine struct {
		Orders   []ledgerOrder             `json:"orders,omitempty"`
		Fills    []ledgerFill              `json:"fills,omitempty"`
		Balances map[string]ledgerBalances `json:"balances,omitempty"` // by account
	}
	ledgerOrder struct {
		Account string `json:"account"`
		Symbol  string `json:"symbol"`
		Order   order  `json:"order"`
	}
	ledgerFill struct {
		Account    string   `json:"account"`
		Symbol     string   `json:"symbol"`
		Order      int64    `json:"order"`
		Buy        bool     `json:"buy"`
		Trade      [5]int64 `json:"trade"` // id, time (unix ms), price (ticks), size (lots), aggregate's id
		BuyerMaker bool     `json:"buyerMaker"`
		Cost       fixed    `json:"cost"`
		Commission fixed    `json:"commission"`
		Asset      string   `json:"asset"`
	}
	ledgerBalances struct {
		Updated int64               `json:"updated"`
		Assets  map[string][2]fixed `json:"assets"` // free and locked
	}
)

// openLedger fills the exchange's accounts with what the file has of them.
// What belongs to an account or a market that is not there any more is lost.
func openLedger(x *Exchange) (*ledger, error) {
	l := &ledger{path: filepath.Join(x.cfg.StateDir, "accounts.log"), x: x}
	data, err := os.ReadFile(l.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	for len(data) > 0 {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		if !whole {
			break
		}
		var entry ledgerLine
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, fmt.Errorf("%s is damaged: %w", l.path, err)
		}
		l.load(entry)
		data = rest
	}
	for _, m := range x.markets {
		for _, a := range x.accounts {
			for _, o := range a.orders[m] {
				m.nextOrder = max(m.nextOrder, o.ID)
				if o.open() {
					m.resting = append(m.resting, o)
				}
			}
		}
		slices.SortFunc(m.resting, func(o, other *order) int { return int(o.ID - other.ID) })
	}
	return l, l.rewrite()
}

func (l *ledger) load(entry ledgerLine) {
	for _, line := range entry.Orders {
		a, m := l.x.account(line.Account), l.x.byVenue[line.Symbol]
		if a == nil || m == nil {
			continue
		}
		o := a.find(m, line.Order.ID, "")
		if o == nil {
			o = &order{ClientID: line.Order.ClientID, ID: line.Order.ID, account: a, market: m}
			a.keep(o)
		}
		state := line.Order
		state.account, state.market = a, m
		*o = state
	}
	for _, line := range entry.Fills {
		a, m := l.x.account(line.Account), l.x.byVenue[line.Symbol]
		if a == nil || m == nil {
			continue
		}
		o := a.find(m, line.Order, "")
		if o == nil {
			o = &order{ID: line.Order, Buy: line.Buy, account: a, market: m} // forgotten, which its fills are not
		}
		t := line.Trade
		a.fills[m] = append(a.fills[m], fill{
			trade: trade{id: t[0], ms: t[1], ticks: t[2], lots: t[3], agg: t[4], maker: line.BuyerMaker},
			order: o, cost: line.Cost, commission: line.Commission, asset: line.Asset,
		})
	}
	for name, line := range entry.Balances {
		if a := l.x.account(name); a != nil {
			a.updated = line.Updated
			for asset, amounts := range line.Assets {
				*a.funds(asset) = funds{amounts[0], amounts[1]}
			}
		}
	}
}

// append writes a step through to the operating system.
func (l *ledger) append(done changes) error {
	if l.lines >= l.compact {
		return l.rewrite() // which has the step, too
	}
	entry := ledgerLine{Balances: map[string]ledgerBalances{}}
	for _, o := range done.orders {
		entry.Orders = append(entry.Orders, lineOf(o))
	}
	for _, f := range done.fills {
		entry.Fills = append(entry.Fills, f.line())
	}
	for a, assets := range done.assets {
		entry.Balances[a.name] = a.line(slices.Collect(maps.Keys(assets)))
	}
	data, err := encodeLine(nil, entry)
	if err != nil {
		return err
	}
	if _, err := l.file.Write(data); err != nil {
		return fmt.Errorf("write accounts: %w", err)
	}
	l.lines++
	return nil
}

// rewrite replaces the file in one step by what is known.
func (l *ledger) rewrite() error {
	var data []byte
	var err error
	lines := 0
	for _, a := range l.x.accounts {
		entry := ledgerLine{Balances: map[string]ledgerBalances{a.name: a.line(slices.Collect(maps.Keys(a.assets)))}}
		for _, m := range l.x.markets {
			a.forget(m, l.x.cfg.KeepTrades)
			for _, o := range a.orders[m] {
				entry.Orders = append(entry.Orders, lineOf(o))
			}
			for _, f := range a.fills[m] {
				entry.Fills = append(entry.Fills, f.line())
			}
		}
		lines += len(entry.Orders) + len(entry.Fills)
		if data, err = encodeLine(data, entry); err != nil {
			return err
		}
	}
	temporary := l.path + ".new"
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return fmt.Errorf("write accounts: %w", err)
	}
	if err := os.Rename(temporary, l.path); err != nil {
		return fmt.Errorf("write accounts: %w", err)
	}
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("write accounts: %w", err)
	}
	if l.file != nil {
		_ = l.file.Close() // of the file that was replaced: nothing in it is needed
	}
	l.file, l.lines, l.compact = f, 0, max(minLines, 2*lines)
	return nil
}

func (l *ledger) close() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("close accounts: %w", err)
	}
	return nil
}

func encodeLine(b []byte, entry ledgerLine) ([]byte, error) {
	line, err := json.Marshal(entry)
	if err != nil {
		return nil, fmt.Errorf("write accounts: %w", err)
	}
	return append(append(b, line...), '\n'), nil
}

func lineOf(o *order) ledgerOrder {
	return ledgerOrder{Account: o.account.name, Symbol: o.market.venue, Order: *o}
}

func (f fill) line() ledgerFill {
	return ledgerFill{
		Account: f.order.account.name, Symbol: f.order.market.venue, Order: f.order.ID, Buy: f.order.Buy,
		Trade: [5]int64{f.id, f.ms, f.ticks, f.lots, f.agg}, BuyerMaker: f.maker,
		Cost: f.cost, Commission: f.commission, Asset: f.asset,
	}
}

func (a *account) line(assets []string) ledgerBalances {
	line := ledgerBalances{Updated: a.updated, Assets: make(map[string][2]fixed, len(assets))}
	for _, asset := range assets {
		line.Assets[asset] = [2]fixed{a.assets[asset].free, a.assets[asset].locked}
	}
	return line
}
