package okx_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/okx"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

const (
	publicPath   = "/ws/v5/public"
	businessPath = "/ws/v5/business"
)

type argument struct{ Channel, InstID string }

type request struct {
	ID, Op string
	Args   []argument
}

func parse(frame string) (r request) { _ = json.Unmarshal([]byte(frame), &r); return r }

// spelled is a symbol in the venue's form; unified is the inverse.
func spelled(symbol string) string {
	name, err := okx.VenueSymbol(symbol)
	if err != nil {
		panic(err)
	}
	return name
}

func unified(name string) string {
	base, quote, _ := strings.Cut(strings.TrimSuffix(name, "-SWAP"), "-")
	settle := quote
	if quote == "USD" {
		settle = base
	}
	if !strings.HasSuffix(name, "-SWAP") {
		settle = ""
	}
	return domain.SymbolName(base, quote, settle)
}

// contractSize is that of the swaps here, in base units.
var contractSize = domain.MustDecimal("0.002")

// size is a volume in the venue's unit.
func size(symbol string, volume domain.Decimal) domain.Decimal {
	if !strings.Contains(symbol, ":") {
		return volume
	}
	count, err := volume.Div(contractSize)
	if err != nil {
		panic(err)
	}
	return count
}

func push(channel, symbol, data string) string {
	return fmt.Sprintf(`{"arg":{"channel":%q,"instId":%q},"data":[%s]}`, channel, spelled(symbol), data)
}

var barChannels = map[domain.Timeframe]string{
	"1m": "candle1m", "5m": "candle5m", "15m": "candle15m", "30m": "candle30m", "1h": "candle1H", "4h": "candle4H", "1d": "candle1Dutc",
}

// bar has the volume in contracts, base units and quote units for a swap, in base
// units, quote units and again for spot.
func bar(c domain.Candle, final int) string {
	volumes := []any{c.Volume, 1, 1}
	if strings.Contains(c.Symbol, ":") {
		volumes = []any{size(c.Symbol, c.Volume), c.Volume, 1}
	}
	return push(barChannels[c.Timeframe], c.Symbol, fmt.Sprintf(`["%d","%s","%s","%s","%s","%v","%v","%v","%d"]`,
		append([]any{c.Time.UnixMilli(), c.Open, c.High, c.Low, c.Close}, append(volumes, final)...)...))
}

// named are the symbols of a request of that operation.
func named(frame, operation string) (symbols []string) {
	r := parse(frame)
	for _, a := range r.Args {
		if r.Op == operation && a.InstID != "" {
			symbols = append(symbols, unified(a.InstID))
		}
	}
	return symbols
}

// script is that of spot; the business endpoint is the one that is driven into
// trouble.
func script() venuetest.Script {
	return venuetest.Script{
		New:       func(c venue.Config) (venue.Adapter, error) { return okx.New(c) },
		Path:      businessPath,
		Side:      publicPath,
		OnSide:    isPublic,
		Symbols:   [3]string{"BTC/USDT", "ETH/USDT", "DOGE/USDT"},
		NoSymbols: []string{"BTC/USD:USD", "BTC/USDT:BTC", "btc/usdt", "BTC/USDT&x", "BTC-USDT"},
		Batch:     25,
		Answer: func(frame string, refused []string) (answers []string) {
			if frame == "ping" {
				return []string{"pong"}
			}
			r := parse(frame)
			for _, a := range r.Args {
				switch {
				case r.Op == "unsubscribe":
					answers = append(answers, fmt.Sprintf(`{"id":%q,"event":"unsubscribe","arg":{"channel":%q,"instId":%q},"connId":"a4d3ae55"}`, r.ID, a.Channel, a.InstID))
				case a.InstID == "":
					answers = append(answers, fmt.Sprintf(`{"id":%q,"event":"subscribe","arg":{"channel":%q},"connId":"a4d3ae55"}`, r.ID, a.Channel))
				case slices.Contains(refused, unified(a.InstID)):
					answers = append(answers, fmt.Sprintf(`{"id":%q,"event":"error","code":"60018","msg":"Wrong URL or channel:%s,instId:%s doesn't exist. Please use the correct URL.","connId":"a4d3ae55"}`,
						r.ID, a.Channel, a.InstID))
				default:
					answers = append(answers, fmt.Sprintf(`{"id":%q,"event":"subscribe","arg":{"channel":%q,"instId":%q},"connId":"a4d3ae55"}`, r.ID, a.Channel, a.InstID))
				}
			}
			return answers
		},
		Asks:   func(frame string) []string { return named(frame, "subscribe") },
		Leaves: func(frame string) []string { return named(frame, "unsubscribe") },
		Ping:   func(frame string) bool { return frame == "ping" },
		Trades: func(symbol string, trades ...venuetest.Trade) (frames []string) {
			for _, t := range trades {
				frames = append(frames, push("trades-all", symbol, fmt.Sprintf(`{"instId":%q,"tradeId":"%d","px":%q,"sz":%q,"side":%q,"ts":"%d","source":"0"}`,
					spelled(symbol), t.Number, t.Price, size(symbol, domain.MustDecimal(t.Volume)), t.Side, t.Time.UnixMilli())))
			}
			return frames
		},
		Quote: func(symbol string, q venue.Quote, n uint64, at time.Time) string {
			return push("bbo-tbt", symbol, fmt.Sprintf(`{"asks":[["%s","%s","0","13"]],"bids":[["%s","%s","0","12"]],"ts":"%d","seqId":%d}`,
				q.Ask, size(symbol, q.AskSize), q.Bid, size(symbol, q.BidSize), at.UnixMilli(), n))
		},
		Bar: func(c domain.Candle) []string {
			before := c
			before.Volume = domain.Decimal{}
			return []string{bar(before, 0), bar(c, 1)}
		},
		Unknown: []string{
			`{}`, `{"event":"channel-conn-count","channel":"orders"}`, `{"event":"login","code":"0"}`,
			push("books", "BTC/USDT", ""), push("candle3m", "BTC/USDT", ""), push("candle1D", "BTC/USDT", ""),
			`{"arg":{"channel":"status"},"data":[{"title":"done","state":"completed"},{"title":"not done","state":"canceled"}]}`,
		},
		Maintenance: []string{
			`{"arg":{"channel":"status"},"data":[{"title":"Spot System Upgrade","state":"ongoing","begin":"1610019546","end":"1610019546","ts":"1610019546"}]}`,
			`{"event":"notice","code":"64000","msg":"something else","connId":"a4d3ae55"}`,
		},
		Leaving: []string{`{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}`},
		REST:    restOf,
		Limited: []string{`{"code":"50011","msg":"Requests too frequent.","data":[]}`, `{"msg":"Rate limit reached.","code":"50011"}`},
	}
}

func isPublic(frame string) bool {
	return strings.Contains(frame, `"bbo-tbt"`) || strings.Contains(frame, `"tickers"`) || strings.Contains(frame, `"status"`)
}

// onPublic is the same with the other endpoint in trouble.
func onPublic(s venuetest.Script) venuetest.Script {
	s.Path, s.Side = s.Side, s.Path
	s.OnSide = func(frame string) bool {
		return strings.Contains(frame, `"trades-all"`) || strings.Contains(frame, `"candle`)
	}
	return s
}

// ofSwaps is the same with linear swaps.
func ofSwaps(s venuetest.Script) venuetest.Script {
	s.Symbols = [3]string{"BTC/USDT:USDT", "ETH/USDT:USDT", "DOGE/USDT:USDT"}
	return s
}

// listing is a symbol as the catalogue has it.
func listing(s domain.Symbol) map[string]string {
	entry := map[string]string{
		"instType": "SPOT", "instId": spelled(s.Name), "baseCcy": s.Base, "quoteCcy": s.Quote, "settleCcy": "", "ctVal": "", "ctMult": "",
		"ctType": "", "ctValCcy": "", "tickSz": s.TickSize.String(), "lotSz": size(s.Name, s.LotSize).String(),
		"minSz": size(s.Name, s.MinVolume).String(), "state": map[bool]string{true: "live", false: "suspend"}[s.Trading],
	}
	if s.Settle != "" {
		for key, value := range map[string]string{
			"instType": "SWAP", "baseCcy": "", "quoteCcy": "", "settleCcy": s.Settle, "ctType": "linear", "ctValCcy": s.Base,
			"ctVal": "0.001", "ctMult": "2", // together contractSize
		} {
			entry[key] = value
		}
	}
	return entry
}

func restOf(b venuetest.Book) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v5/public/instruments", func(w http.ResponseWriter, r *http.Request) {
		list := []map[string]string{}
		for _, s := range b.Symbols {
			if (s.Settle != "") == (r.URL.Query().Get("instType") == "SWAP") {
				list = append(list, listing(s))
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"code": "0", "msg": "", "data": list})
	})
	mux.HandleFunc("GET /api/v5/market/history-trades", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		after, _ := strconv.ParseUint(query.Get("after"), 10, 64)
		limit, _ := strconv.Atoi(query.Get("limit"))
		list := []string{}
		for _, t := range slices.Backward(b.Trades[unified(query.Get("instId"))]) {
			if t.Number < after && len(list) < min(limit, 100) {
				list = append(list, fmt.Sprintf(`{"instId":%q,"side":%q,"sz":%q,"px":%q,"source":"0","tradeId":"%d","ts":"%d"}`,
					query.Get("instId"), t.Side, size(unified(query.Get("instId")), domain.MustDecimal(t.Volume)), t.Price, t.Number, t.Time.UnixMilli()))
			}
		}
		_, _ = fmt.Fprintf(w, `{"code":"0","msg":"","data":[%s]}`, strings.Join(list, ","))
	})
	return mux
}

func TestSuite(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]venuetest.Script{
		"spot": script(), "spot, public endpoint": onPublic(script()),
		"swaps": ofSwaps(script()), "swaps, public endpoint": onPublic(ofSwaps(script())),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			venuetest.Run(t, s)
		})
	}
}
