package compose

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// A deployment is moved to more and to fewer partitions from the command line:
// what was known is known, what was created once cannot be created again, a right
// to trade is still the same, and Redis is what the log says.
func TestADeploymentIsRepartitionedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	nats, redis := testserver.NewNATS(t), testserver.NewRedis(t)
	log := nats.Bus(t, bus.Layout{})
	u := newUser(t, append(redisEnv(t, redis.Addr), "NATS_URL="+nats.URL)...)
	p := u.start("projector")
	run := func(args string) result { t.Helper(); return u.run("fullon", strings.Fields(args)...) }

	run("repartition").complains(t, ExitUsage, "--partitions")
	run("repartition --partitions 0").complains(t, ExitUsage, "--partitions", "1 to 256")
	run("repartition --partitions 8 --stream orders").complains(t, ExitUsage, "--stream", "ticks, trades, accounts")
	if r := run("repartition --partitions 4"); r.code != ExitOK || r.stdout != "" || !strings.Contains(r.stderr, "nothing to do") {
		t.Errorf("nothing to do: %+v", r)
	}

	balances := make(map[string]string)
	for i := range 12 {
		account, total := strconv.Itoa(1000+i), strconv.Itoa(10+i)
		balances[account] = total
		amount := domain.MustDecimal(total)
		if _, err := log.Publish(t.Context(), domain.Balance{Account: account, Currency: "USDT", Total: amount, Free: amount}); err != nil {
			t.Fatal(err)
		}
	}
	handle := client.New(log, redis.Store(t))
	defer handle.Close()
	block, err := handle.Bots.Block(t.Context(), client.BlockRequest{Exchange: "kraken", Symbol: "BTC/USDT", Bot: "grid"})
	if err != nil {
		t.Fatal(err)
	}
	order := domain.Order{
		ID: "once-1", Exchange: "kraken", OrderTerms: domain.OrderTerms{
			Symbol: "BTC/USDT", Account: "1001", Bot: "grid", Side: domain.Buy, Type: domain.Limit,
			Volume: domain.MustDecimal("1"), Price: domain.MustDecimal("10"),
		},
	}
	pushed, pos, err := handle.Orders.Push(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if err := handle.Wait(t.Context(), pos); err != nil {
		t.Fatal(err)
	}

	r := run("repartition --partitions 8")
	if r.code != ExitUsage || !strings.Contains(r.stdout, "accounts") || !strings.Contains(r.stdout, "12") || !strings.Contains(r.stderr, "nothing was done") {
		t.Errorf("unconfirmed: %+v", r)
	}
	r = run("repartition --partitions 8 --json --yes")
	if r.code != ExitOK {
		t.Fatalf("%+v", r)
	}
	var doing []string
	for line := range strings.Lines(r.stdout) {
		var step struct{ Kind, Doing string }
		if err := json.Unmarshal([]byte(line), &step); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if step.Kind == "accounts" && !slices.Contains(doing, step.Doing) {
			doing = append(doing, step.Doing)
		}
	}
	if got := strings.Join(doing, " "); got != "seal create copy switch remove " {
		t.Errorf("steps %q", got)
	}

	// The projector of before ends and says why; the one that begins next goes on.
	if r := p.wait(); r.code != ExitFailed || !strings.Contains(r.stderr, "repartitioned") {
		t.Errorf("the old projector: %+v", r)
	}
	// Of the old partitions Redis has nothing.
	rdb := redis.Client(t)
	for _, stream := range log.Layout().Streams() {
		if keys, err := rdb.Keys(t.Context(), cachestore.DefaultPrefix+"{"+stream+"}*").Result(); err != nil || len(keys) > 0 {
			t.Errorf("%s: %v %v", stream, keys, err)
		}
	}
	if _, err := handle.Accounts.Balances(t.Context(), "1001"); err == nil {
		t.Error("a reader of before is answered")
	}
	u.run("fullon", "get", "balances", "1001", "--account-partitions", "4").complains(t, ExitFailed, "8 account partitions", "--account-partitions 8")
	run("get balances 1001").complains(t, ExitRebuilding, "being rebuilt")

	check := func(moved *bus.Bus) {
		t.Helper()
		reader := client.New(moved, redis.Store(t))
		defer reader.Close()
		for account, total := range balances {
			eventually(t, func() error { _, err := reader.Accounts.Balance(t.Context(), account, "USDT"); return err })
			if b, err := reader.Accounts.Balance(t.Context(), account, "USDT"); err != nil || b.Total.String() != total {
				t.Errorf("%s: %+v %v", account, b, err)
			}
		}
		if got, err := reader.Bots.Blocks(t.Context(), "kraken"); err != nil || len(got) != 1 || got[0].Token() != block.Token() {
			t.Errorf("block %d: %+v %v", block.Token(), got, err)
		}
		if _, err := moved.Commit(t.Context(), bus.Change{Event: pushed}); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("the order was created twice: %v", err)
		}
		if r := run("verify"); r.code != ExitOK || strings.Contains(r.stdout, "unproven") {
			t.Errorf("%+v", r)
		}
	}
	bind := func() *bus.Bus {
		t.Helper()
		b, err := bus.Connect(t.Context(), bus.Config{URL: nats.URL, Log: testserver.Quiet()})
		if err == nil {
			t.Cleanup(b.Close)
			err = b.Bind(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	p = u.start("projector")
	check(bind())
	if r := run("repartition --partitions 3 --stream accounts --confirm=fullon:"); r.code != ExitOK || !strings.Contains(r.stdout, "accounts have 3 partitions now") {
		t.Fatalf("%+v", r)
	}
	p.wait()
	u.start("projector")
	moved := bind()
	// What is on the condition of the order and of the block is still on that of
	// the messages of before.
	blockKey := domain.Key{Kind: domain.KindBlock, Exchange: "kraken", Symbol: "BTC/USDT"}
	intent := pushed
	intent.Status, intent.Attempt, intent.Worker, intent.Token, intent.First = domain.OrderIntent, 1, "w", block.Token(), pos.Seq
	intent.Deadline, intent.Updated = time.Now().Add(time.Minute), time.Now()
	fence := domain.Fence{Exchange: "kraken", Symbol: "BTC/USDT", Worker: "w"}
	if _, err := moved.Commit(t.Context(), bus.Change{Event: intent, Last: pos.Seq}, bus.Change{Event: fence, If: blockKey, Last: block.Token() + 1}); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("an intent on the condition of another block: %v", err)
	}
	if _, err := moved.Commit(t.Context(), bus.Change{Event: intent, Last: pos.Seq}, bus.Change{Event: fence, If: blockKey, Last: block.Token()}); err != nil {
		t.Errorf("an intent on the condition of the block: %v", err)
	}
	if l := moved.Layout(); l.Accounts != 3 || l.Ticks != 8 {
		t.Errorf("%+v", l)
	}
	check(moved)
}
