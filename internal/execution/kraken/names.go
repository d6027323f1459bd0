package kraken

import (
	"strings"

	"github.com/fullon/fullon/internal/venue/kraken"
)

// oldCodes are the assets that private REST names with a letter in front, for
// crypto (X) or fiat (Z) money, by the names that it has elsewhere.
var oldCodes = func() map[string]string {
	codes := make(map[string]string)
	for _, code := range strings.Fields("XETC XETH XLTC XMLN XREP XXBT XXDG XXLM XXMR XXRP XZEC ZAUD ZCAD ZEUR ZGBP ZJPY ZUSD") {
		codes[code[1:]] = code
	}
	return codes
}()

// currency is our name of an asset of REST's: BTC for XXBT, BTC.F for XBT.F.
func currency(asset string) string {
	base, kind, dotted := strings.Cut(asset, ".")
	if len(base) == 4 && oldCodes[base[1:]] == base {
		base = base[1:]
	}
	base = kraken.Asset(base)
	if dotted {
		return base + "." + kind
	}
	return base
}

// pair is the name of a symbol in requests.
func pair(symbol string) string {
	base, quote, _ := strings.Cut(symbol, "/")
	return kraken.RESTAsset(base) + kraken.RESTAsset(quote)
}

// oldPair is the name of a symbol of two assets that have old codes.
func oldPair(symbol string) (name string, ok bool) {
	base, quote, _ := strings.Cut(symbol, "/")
	base, quote = oldCodes[kraken.RESTAsset(base)], oldCodes[kraken.RESTAsset(quote)]
	return base + quote, base != "" && quote != ""
}

// symbol is the symbol of a pair in an answer; one that the catalogue does not
// have keeps its name.
func (a *api) symbol(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if symbol, ok := a.pairs[name]; ok {
		return symbol
	}
	all := a.Cfg.Symbols()
	a.pairs = make(map[string]string, len(all))
	for _, s := range all {
		a.pairs[pair(s.VenueSymbol)], a.pairs[s.VenueSymbol] = s.VenueSymbol, s.VenueSymbol
		if old, ok := oldPair(s.VenueSymbol); ok {
			a.pairs[old] = s.VenueSymbol
		}
	}
	if symbol, ok := a.pairs[name]; ok {
		return symbol
	}
	return name
}
