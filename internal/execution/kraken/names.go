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

// aliases are the names of a symbol in answers of REST.
func aliases(symbol string) []string {
	names := []string{pair(symbol)}
	base, quote, _ := strings.Cut(symbol, "/")
	base, quote = oldCodes[kraken.RESTAsset(base)], oldCodes[kraken.RESTAsset(quote)]
	if base != "" && quote != "" {
		names = append(names, base+quote)
	}
	return names
}

// symbol is the symbol of a pair in an answer; one that the catalogue does not
// have keeps its name.
func (a *api) symbol(pair string) string {
	if name, known := a.Symbols.Name(pair); known {
		return name // which Kraken spells as we do
	}
	return pair
}
