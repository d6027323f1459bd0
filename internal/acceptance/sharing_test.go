package acceptance

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/testserver"
)

// shared waits until each stream is folded by one of the projectors and by no
// other, and each of them has something to do.
func (r *rig) shared(crew ...*process) {
	r.t.Helper()
	streams := crew[0].streams()
	eventually(r.t, "one projector for each partition", func() string {
		held, attached := make(map[string]int), make(map[string]int)
		for _, p := range crew {
			_, body := p.get("/metrics")
			text := string(body)
			if !strings.Contains(text, fmt.Sprintf("\nfullon_projector_members %d\n", len(crew))) {
				return fmt.Sprintf("one does not know of %d projectors", len(crew))
			}
			has := 0
			for _, stream := range streams {
				if strings.Contains(text, `fullon_projector_held{stream="`+stream+`"} 1`) {
					held[stream]++
				}
				if strings.Contains(text, `fullon_projector_attached{stream="`+stream+`"} 1`) {
					attached[stream]++
					has++
				}
			}
			if has == 0 {
				return "one has nothing to do"
			}
		}
		for _, stream := range streams {
			if held[stream] != 1 || attached[stream] != 1 {
				return fmt.Sprintf("%s is held by %d and folded by %d", stream, held[stream], attached[stream])
			}
		}
		return ""
	})
}

// Projectors come, are killed, paused for so long that the others take over,
// resumed and told to end, while a recording is played: each partition has one
// of them in the end, and Redis holds what an undisturbed one makes of the log.
func TestProjectorsShareThePartitionsWhateverBecomesOfThem(t *testing.T) {
	t.Parallel()
	b, e := recorded(t, btc), recorded(t, eth)
	r, _ := newRig(t)
	redis := testserver.NewRedis(t)
	stream := r.bus.Layout().TradeStreamOf(exchange, b.symbol)
	moments := watch(t, redis, stream, b.symbol)
	killed, paused, told := r.projector(redis), r.projector(redis), r.projector(redis)
	r.shared(killed, paused, told)
	venue := r.play(replay.Config{}, b, e)
	ingest := r.ingest(venue.WSURL(), venue.RESTURL(), b, e)
	r.played(venue, 0.1)
	killed.kill()
	r.shared(paused, told)
	late := r.projector(redis)
	r.shared(paused, told, late)
	r.played(venue, 0.3)
	paused.signal(syscall.SIGSTOP)
	r.shared(told, late)
	r.played(venue, 0.5)
	paused.signal(syscall.SIGCONT)
	r.shared(paused, told, late)
	r.played(venue, 0.7)
	told.stop()
	r.shared(paused, late)
	r.finished(venue)
	seqs := r.stored(b)
	r.stored(e)
	ingest.stop()
	r.caughtUp(late, redis)
	r.shared(paused, late)
	for _, p := range []*process{paused, late} {
		if n := p.metric("projector_history_lost_total"); n != 0 {
			t.Errorf("a projector found history lost %d times", n)
		}
		p.stop()
	}
	same(t, contentOf(t, redis), r.undisturbed())
	moments.check(t, seqs, cap10k)
}
