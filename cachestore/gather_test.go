package cachestore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// Callers whose reads travel together get each its own answer, also the one
// whose key is of another type, and also after the server has lost the scripts.
func TestReadsThatTravelTogetherAreAnsweredApart(t *testing.T) {
	t.Parallel()
	s := testserver.SharedStore(t)
	rdb := testserver.SharedClient(t)
	p := s.Partition(stream)
	b := p.NewBatch()
	const n = 32
	name := func(i int) string { return fmt.Sprintf("C%d", i) }
	for i := range n {
		b.PutTicks("binance", []cachestore.TickWrite{{Symbol: name(i) + "/USDT", Write: cachestore.Write{Seq: 1, Payload: encode(t, tick(name(i)+"/USDT", i+1))}}})
		balance := domain.Balance{Account: name(i), Currency: "BTC", Total: domain.MustDecimal(fmt.Sprint(i + 1))}
		b.PutBalances(name(i), []cachestore.FieldWrite{{Field: "BTC", Write: cachestore.Write{Seq: 1, Payload: encode(t, balance)}}})
	}
	b.AddMarket("binance", "BTC/USDT")
	b.AddTrades("binance", "BTC/USDT", tradeWrites(t, 1, 5))
	apply(t, p, domain.Checkpoint{}, at(5), b)
	if err := rdb.Set(t.Context(), s.Prefix()+"{"+stream+"}:trades:binance:BAD/USDT", "no list", 0).Err(); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			for range 30 {
				got, _, err := p.Tick(t.Context(), "binance", name(i)+"/USDT", noon)
				if err != nil || got.Last.String() != fmt.Sprint(i+1) {
					t.Errorf("tick %d: %v (%v)", i, got.Last, err)
				}
				account, err := p.Account(t.Context(), name(i))
				if err != nil || account.At != at(5) || len(account.Balances) != 1 || account.Balances[0].Total.String() != fmt.Sprint(i+1) {
					t.Errorf("account %d: %+v (%v)", i, account, err)
				}
				if ends, _, err := p.TradeEnds(t.Context(), "binance", "BTC/USDT"); err != nil || ends.Count != 5 || ends.First.ID != "1" || ends.Last.ID != "5" {
					t.Errorf("ends %+v (%v)", ends, err)
				}
				switch i {
				case 0:
					if _, _, err := p.Trades(t.Context(), "binance", "BAD/USDT", 5); !errors.Is(err, domain.ErrUnknown) {
						t.Errorf("another type: %v", err)
					}
				case 1:
					if _, _, err := p.TradeEnds(t.Context(), "binance", "BAD/USDT"); !errors.Is(err, domain.ErrUnknown) {
						t.Errorf("another type, in one step: %v", err)
					}
				case 2:
					if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
						t.Error(err)
					}
				default:
					if _, err := s.Processes().Get(t.Context(), "bot-none"); !errors.Is(err, domain.ErrNotFound) {
						t.Errorf("process: %v", err)
					}
				}
			}
		})
	}
	group.Wait()
}

// A caller's own deadline ends its wait, whatever the request does that its read
// is part of; the others' goes on.
func TestADeadlineEndsTheWaitForASharedRequest(t *testing.T) {
	t.Parallel()
	r, s, _ := own(t)
	p := s.Partition(stream)
	apply(t, p, domain.Checkpoint{}, at(1), withTick(t, p, "BTC/USDT", 1, 1))
	r.Pause()
	patient := make(chan error, 8)
	for range cap(patient) {
		go func() {
			_, _, err := p.Tick(t.Context(), "binance", "BTC/USDT", noon)
			patient <- err
		}()
	}
	for range 4 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, _, err := p.Tick(ctx, "binance", "BTC/USDT", noon)
		if !errors.Is(err, domain.ErrUnreachable) {
			t.Errorf("past the deadline: %v", err)
		}
		cancel()
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err := p.Account(ctx, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
	}
	r.Resume()
	for range cap(patient) {
		if err := <-patient; err != nil {
			t.Errorf("a patient caller: %v", err)
		}
	}
	wantPrice(t, p, "BTC/USDT", "1")
}

// However many share a transaction, what each reads is of the checkpoint that it
// comes with. They are so many that Redis takes several turns for a request, and
// would carry out others between them.
func TestWhatIsReadAtOnceIsOfItsCheckpoint(t *testing.T) {
	t.Parallel()
	p := testserver.SharedStore(t).Partition(stream)
	var accounts []string
	for i := range 4 {
		accounts = append(accounts, strings.Repeat(fmt.Sprint(i), domain.MaxNameBytes))
	}
	write := func(prev domain.Checkpoint, n int) {
		b := p.NewBatch()
		for _, account := range accounts {
			balance := domain.Balance{Account: account, Currency: "BTC", Total: domain.MustDecimal(fmt.Sprint(n))}
			b.PutBalances(account, []cachestore.FieldWrite{{Field: "BTC", Write: cachestore.Write{Seq: uint64(n), Payload: encode(t, balance)}}})
		}
		apply(t, p, prev, at(uint64(n)), b)
	}
	write(domain.Checkpoint{}, 1)
	var group sync.WaitGroup
	done := make(chan struct{})
	for i := range 256 {
		account := accounts[i%len(accounts)]
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := p.Account(t.Context(), account)
				if err != nil || got.Balances[0].Total.String() != fmt.Sprint(got.At.Seq) {
					t.Errorf("%+v (%v)", got, err)
					return
				}
				balance, found, of, err := p.Balance(t.Context(), account, "BTC")
				if err != nil || !found || balance.Sequence != of.Seq {
					t.Errorf("%+v of %v (%v)", balance, of, err)
					return
				}
			}
		})
	}
	for n := 2; n <= 500; n++ {
		write(at(uint64(n-1)), n)
	}
	close(done)
	group.Wait()
}

// The connections of reads are made like the others, and reading goes on when
// Redis was started anew or no longer lets them in.
func TestReadsGoOnWithTheConnectionsThatCanBeMade(t *testing.T) {
	t.Parallel()
	r, _, rdb := own(t)
	if err := rdb.ConfigSet(t.Context(), "requirepass", "secret").Err(); err != nil {
		t.Fatal(err)
	}
	s, err := cachestore.Connect(t.Context(), cachestore.Config{Addrs: []string{r.Addr}, Password: "secret", DB: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := s.Partition(stream)
	apply(t, p, domain.Checkpoint{}, at(1), withTick(t, p, "BTC/USDT", 1, 1))
	wantPrice(t, p, "BTC/USDT", "1")
	clients, err := rdb.ClientList(t.Context()).Result()
	if err != nil || !strings.Contains(clients, "db=3") || !strings.Contains(clients, "cmd=exec user=default redir=-1 resp=2") {
		t.Fatalf("no connection of its own reads: %s (%v)", clients, err)
	}
	if err := rdb.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	wantPrice(t, p, "BTC/USDT", "1")
	r.Kill()
	if _, _, err := p.Tick(t.Context(), "binance", "BTC/USDT", noon); !errors.Is(err, domain.ErrUnreachable) {
		t.Fatalf("away: %v", err)
	}
	r.Start() // without its data and its password: the greeting is refused
	wantPrice(t, p, "BTC/USDT", "")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Tick(t.Context(), "binance", "BTC/USDT", noon); !errors.Is(err, domain.ErrUnreachable) {
		t.Fatalf("closed: %v", err)
	}
}
