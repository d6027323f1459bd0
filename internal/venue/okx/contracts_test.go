package okx

import (
	"errors"
	"testing"

	"github.com/fullon/fullon/domain"
)

func TestSizesAreTurnedExactlyOrNotAtAll(t *testing.T) {
	t.Parallel()
	var c Contracts
	if c.Knows("BTC-USDT-SWAP") || !c.Knows("BTC-USDT") {
		t.Fatal("a swap is known before it was read")
	}
	for _, body := range []string{"", "null", `{"code":"50011","msg":"","data":[]}`, `{"code":"0","data":[]}`, `{"code":"0","data":[{"instId":"BTC-USDT-SWAP","ctType":"odd"}]}`} {
		if err := c.Read([]byte(body)); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if err := c.Read([]byte(`{"code":"0","msg":"","data":[
		{"instId":"BTC-USDT-SWAP","ctType":"linear","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC","settleCcy":"USDT"},
		{"instId":"BTC-USD-SWAP","ctType":"inverse","ctVal":"100","ctMult":"1","ctValCcy":"USD","settleCcy":"BTC"},
		{"instId":"PEPE-USDT-SWAP","ctType":"linear","ctVal":"3","ctMult":"1","ctValCcy":"PEPE","settleCcy":"USDT"},
		{"instId":"ODD-USDT-SWAP","ctType":"odd"}]}`)); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ name, size, price, base string }{
		{"BTC-USDT", "1.5", "0", "1.5"}, {"BTC-USDT-SWAP", "12.3", "0", "0.123"}, {"BTC-USDT-SWAP", "-2", "0", "-0.02"},
		{"BTC-USD-SWAP", "3", "50", "6"}, {"BTC-USD-SWAP", "0", "0", "0"},
	} {
		got, err := c.Base(x.name, domain.MustDecimal(x.size), domain.MustDecimal(x.price))
		if err != nil || !got.Equal(domain.MustDecimal(x.base)) {
			t.Errorf("%s %s: %s, %v", x.size, x.name, got, err)
		}
	}
	for _, x := range []struct{ name, volume, count string }{
		{"BTC-USDT", "1.5", "1.5"}, {"BTC-USDT-SWAP", "0.123", "12.3"}, {"PEPE-USDT-SWAP", "9", "3"},
		{"PEPE-USDT-SWAP", "1", ""}, {"BTC-USD-SWAP", "1", ""}, {"ODD-USDT-SWAP", "1", ""},
	} {
		got, err := c.Count(x.name, domain.MustDecimal(x.volume))
		if (err == nil) != (x.count != "") || err == nil && !got.Equal(domain.MustDecimal(x.count)) {
			t.Errorf("%s of %s: %s, %v", x.volume, x.name, got, err)
		}
	}
	if _, err := c.Base("ODD-USDT-SWAP", domain.MustDecimal("1"), domain.MustDecimal("1")); !errors.Is(err, errNoContract) {
		t.Error(err)
	}
	if _, err := c.Base("BTC-USD-SWAP", domain.MustDecimal("1"), domain.Decimal{}); err == nil {
		t.Error("contracts without a price are so many base units")
	}
}
