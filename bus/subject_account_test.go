package bus_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

var accountKeys = rapid.Custom(func(t *rapid.T) domain.Key {
	key := domain.Key{Account: rapid.StringMatching(`[A-Za-z0-9_-]{1,20}`).Draw(t, "account")}
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		key.Kind, key.Currency = domain.KindBalance, rapid.StringMatching(`[!-.0-9;-~]{1,10}`).Draw(t, "currency")
	case 1:
		key.Kind, key.Symbol = domain.KindPosition, rapid.StringMatching(`[!-.0-9;-~]{1,20}/[!-.0-9;-~]{1,10}(:[!-~]{1,10})?`).Draw(t, "symbol")
	case 2:
		key.Kind = domain.KindPositions
	case 3:
		key.Kind, key.Exchange = domain.KindFill, rapid.StringMatching(`[a-z0-9_-]{1,20}`).Draw(t, "exchange")
	case 4:
		key.Kind, key.Exchange = domain.KindAck, rapid.StringMatching(`[a-z0-9_-]{1,20}`).Draw(t, "exchange")
	case 5:
		key.Kind, key.Symbol = domain.KindDifference, rapid.StringMatching(`[!-.0-9;-~]{1,20}/[!-.0-9;-~]{1,10}(:[!-~]{1,10})?`).Draw(t, "symbol")
	case 6:
		key.Kind, key.Currency = domain.KindDifference, rapid.StringMatching(`[!-.0-9;-~]{1,10}`).Draw(t, "currency")
	}
	return key
})

func TestAllOfAnAccountIsInOneStreamAndParseSubjectIsTheInverse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		layout := bus.Layout{Ticks: 1, Trades: 1, Accounts: rapid.IntRange(1, 256).Draw(t, "accounts")}
		want := accountKeys.Draw(t, "key")
		address, err := layout.Address(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := bus.ParseSubject(address.Subject)
		if err != nil || got != want {
			t.Fatalf("%+v is at %s, which is %+v (%v)", want, address.Subject, got, err)
		}
		if address.Stream != layout.AccountStreamOf(want.Account) {
			t.Fatalf("%+v goes to %s, its account to %s", want, address.Stream, layout.AccountStreamOf(want.Account))
		}
	})
}

func TestParseSubjectRefusesWhatIsNoAccounts(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{
		"balance.0.1001", "balance.0.10 01.BTC", "balance.0.1001.BTC/USDT", "position.0.1001.BTC", "position.0.1%2E1.BTC/USDT",
		"positions.0.1001.BTC/USDT", "positions.0.", "fill.0.1001.Kraken", "fill.0.1001", "ack.x.1001.kraken", "difference.0.1001", "difference.0.1001./BTC", "balance.0..BTC",
	} {
		if key, err := bus.ParseSubject(subject); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%q is %+v (%v)", subject, key, err)
		}
	}
}

// The vectors are for producers in other languages: FNV-1a-32 of the account.
func TestAccountPartitionVectors(t *testing.T) {
	t.Parallel()
	for account, want := range map[string][2]string{
		"1001":        {"ACCOUNTS_3", "ACCOUNTS_1"},
		"kraken-main": {"ACCOUNTS_3", "ACCOUNTS_4"},
		"demo":        {"ACCOUNTS_2", "ACCOUNTS_1"},
	} {
		of4, of7 := bus.Layout{Accounts: 4}.AccountStreamOf(account), bus.Layout{Accounts: 7}.AccountStreamOf(account)
		if of4 != want[0] || of7 != want[1] {
			t.Errorf("%s is in %s and %s, want %v", account, of4, of7, want)
		}
	}
}

func TestPublishNextWritesOnlyBehindWhatTheCallerKnows(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	balance := func(total string) domain.Balance {
		return domain.Balance{Account: "1001", Currency: "BTC", Total: domain.MustDecimal(total)}
	}
	first := mustPublish(t, b, balance("1"))
	second, err := b.PublishNext(t.Context(), balance("2"), first.Seq)
	if err != nil || second.Seq != first.Seq+1 || second.Stream != first.Stream {
		t.Fatalf("%+v after %+v: %v", second, first, err)
	}
	for _, last := range []uint64{0, first.Seq, second.Seq + 1} {
		if _, err := b.PublishNext(t.Context(), balance("3"), last); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("behind %d: %v", last, err)
		}
	}
	if e := extent(t, b, first.Stream); e.Last != second.Seq || e.Keeps != bus.AccountRetention {
		t.Fatalf("%+v", e)
	}
}
