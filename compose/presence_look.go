package compose

import (
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/projector"
)

// lookAtFeed tells how a feed is doing. One that was never live may take
// patience until that counts as a failure. Each failure is reported once. One that
// stands by is well.
func lookAtFeed(feed *ingest.Feed, lease *ingest.Lease, patience time.Duration, report func(exchange, text string)) func() (domain.ProcessStatus, string) {
	begun, wasLive, reported := time.Now(), false, false
	return func() (domain.ProcessStatus, string) {
		stats := feed.Stats()
		state := stats.State
		switch holder, active := lease.Holder(); {
		case !active && holder.ID != "":
			begun, wasLive, reported = time.Now(), false, false
			return domain.ProcessRunning, "stands by for " + holder.Name()
		case stats.Standby:
			return domain.ProcessStarting, ""
		case state == domain.FeedLive:
			wasLive, reported = true, false
			return domain.ProcessRunning, "active"
		case !wasLive && time.Since(begun) <= patience:
			return domain.ProcessStarting, ""
		}
		message := "the feed of " + feed.Exchange() + " is " + state.String()
		if !reported {
			report(feed.Exchange(), message)
			reported = true
		}
		return domain.ProcessFailed, message
	}
}

// lookAtProjector tells how a projector is doing. It may be well with nothing to
// do: there can be more projectors than partitions.
func lookAtProjector(p *projector.Projector) func() (domain.ProcessStatus, string) {
	return func() (domain.ProcessStatus, string) {
		var waiting []string
		held, attached := false, false
		for _, s := range p.Stats() {
			if s.Waiting > 0 {
				waiting = append(waiting, s.Stream)
			}
			held, attached = held || s.Held, attached || s.Attached
		}
		sharing := p.Sharing()
		switch {
		case len(waiting) > 0:
			return domain.ProcessFailed, "projection waits for a server: " + strings.Join(waiting, ", ")
		case sharing.CutOff > 0:
			return domain.ProcessFailed, cutOff
		case !attached && (held || sharing.Projectors == 0):
			return domain.ProcessStarting, ""
		}
		return domain.ProcessRunning, ""
	}
}

// cutOff is what is wrong with a projector that cannot reach the others.
const cutOff = "the other projectors cannot be reached"

// symbolsParam fits a list of symbols into a parameter.
func symbolsParam(symbols []string) string {
	return domain.Shorten(strings.Join(symbols, ","), domain.MaxProcessParamBytes)
}
