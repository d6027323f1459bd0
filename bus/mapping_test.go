package bus_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// The mapping that the README gives to producers that cannot compute a
// partition leads to the partition that we compute.
func TestTheServersMappingFindsOurPartitions(t *testing.T) {
	t.Parallel()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	defer func() { srv.Shutdown(); srv.WaitForShutdown() }()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	if err := srv.GlobalAccount().AddMapping("in.tick.*.*", "tick.{{partition(4,1,2)}}.{{wildcard(1)}}.{{wildcard(2)}}"); err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("tick.>")
	if err != nil {
		t.Fatal(err)
	}
	layout := bus.Layout{Ticks: 4, Trades: 4}
	for _, m := range [][2]string{{"binance", "BTC/USDT"}, {"okx", "BTC/USDT:USDT"}, {"kraken", "ETH/EUR"}, {"sim", "SOL/USDT"}, {"gate", "A.B/USDT"}} {
		if err := nc.Publish("in.tick."+bus.EscapeToken(m[0])+"."+bus.EscapeToken(m[1]), nil); err != nil {
			t.Fatal(err)
		}
		msg, err := sub.NextMsg(10 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		want, err := layout.Address(domain.Key{Kind: domain.KindTick, Exchange: m[0], Symbol: m[1]})
		if err != nil {
			t.Fatal(err)
		}
		if msg.Subject != want.Subject {
			t.Errorf("%v: the server says %s, we say %s", m, msg.Subject, want.Subject)
		}
	}
}
