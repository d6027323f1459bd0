package compose

import "github.com/prometheus/client_golang/prometheus"

// metric is one series: what it means, and how it is read. Names are stable.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("fullon_"+name, help, labels, nil), prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("fullon_"+name, help, labels, nil), prometheus.GaugeValue}
}

var (
	projectorSequence    = gauge("projector_checkpoint_sequence", "Sequence up to which Redis reflects the stream.", "stream")
	projectorAttached    = gauge("projector_attached", "1 while this process folds the stream.", "stream")
	projectorHeld        = gauge("projector_held", "1 while the stream is this process's to fold; over all projectors the sum is 1.", "stream")
	projectorLag         = gauge("projector_lag_messages", "Messages of a stream that this process folds and that Redis does not reflect yet.", "stream")
	projectorLagSeconds  = gauge("projector_lag_seconds", "How long the oldest of those messages has been in the log.", "stream")
	projectorRate        = gauge("projector_apply_rate", "Messages applied a second, over the last seconds.", "stream")
	projectorMembers     = gauge("projector_members", "Projectors that share the partitions, this one included.")
	projectorCutOff      = gauge("projector_cut_off_seconds", "How long this process has not reached the other projectors.")
	projectorTrouble     = gauge("projector_trouble_seconds", "How long the projection has been waiting for a server.", "stream")
	projectorMessages    = counter("projector_messages_total", "Messages folded and applied.", "stream")
	projectorBatches     = counter("projector_batches_total", "Batches applied.", "stream")
	projectorConflicts   = counter("projector_conflicts_total", "Batches that found another checkpoint.", "stream")
	projectorLetters     = counter("projector_dead_letters_total", "Messages that could not be folded.", "stream")
	projectorDuplicates  = counter("projector_duplicates_total", "Trades that had been folded before.", "stream")
	projectorOlder       = counter("projector_older_ticks_total", "Ticks older than the stored one.", "stream")
	projectorDropped     = counter("projector_dropped_fills_total", "Unacknowledged fills that their queue had no room for.", "stream")
	projectorForgotten   = counter("projector_forgotten_orders_total", "Final orders that had to make room.", "stream")
	projectorRenewed     = counter("projector_renewed_total", "Events stored again before the log would have dropped them.", "stream")
	projectorRetention   = gauge("projector_retention_used_ratio", "How near the log is to dropping what is not folded yet: 0 far, 1 it is being dropped.", "stream")
	projectorRebuilds    = counter("projector_rebuilds_total", "Times that the partition was folded anew.", "stream")
	projectorLost        = counter("projector_history_lost_total", "Rebuilds because the log had lost or changed history.", "stream")
	projectorDifferences = counter("projector_differences_total", "Differences between fills and what venues say.", "stream")

	ingestActive     = gauge("ingest_active", "1: this process follows the venue; 0: it stands by.", "exchange")
	ingestConflicts  = counter("ingest_conflicts_total", "Times that another process had stored trades of a symbol.", "exchange")
	ingestState      = gauge("ingest_feed_state", "1 live, 2 silent, 3 stopped.", "exchange")
	ingestTicks      = counter("ingest_ticks_total", "Ticks handed to the log.", "exchange")
	ingestTrades     = counter("ingest_trades_total", "Trades handed to the log.", "exchange")
	ingestCandles    = counter("ingest_candles_total", "Candles handed to the log.", "exchange")
	ingestDuplicates = counter("ingest_duplicates_total", "Trades that the log had already.", "exchange")
	ingestHoles      = counter("ingest_holes_total", "Places where trades were missing.", "exchange")
	ingestFilled     = counter("ingest_filled_total", "Missing trades that were fetched.", "exchange")
	ingestGaps       = counter("ingest_gaps_total", "Holes that could not be filled.", "exchange")
	ingestConnects   = counter("ingest_connects_total", "Connections to the venue.", "exchange")
	ingestRefused    = counter("ingest_refused_total", "Messages of the venue that could not be used.", "exchange", "kind")
	ingestDropped    = counter("ingest_dropped_candles_total", "Candles that the log had no room for.", "exchange")

	publishSent      = counter("publish_ticks_sent_total", "Ticks sent to the log.")
	publishConflated = counter("publish_ticks_conflated_total", "Ticks dropped because a newer one of the market came.")
	publishFailed    = counter("publish_ticks_failed_total", "Ticks that were not acknowledged.")
	publishWaiting   = gauge("publish_waiting", "Events that the log has not acknowledged.", "kind")
	publishAcked     = counter("publish_events_acked_total", "Trades, candles and gaps that the log acknowledged.")
	publishRetries   = counter("publish_events_retries_total", "Times that storing went wrong and was taken up again.")

	gatewayConnections = gauge("gateway_connections", "WebSocket connections that are open.")
	gatewayStreams     = gauge("gateway_streams", "Subscriptions that are open.")
	gatewayFeeds       = gauge("gateway_feeds", "Things that are watched for them.")
	gatewayRequests    = counter("gateway_requests_total", "Requests of clients.")
	gatewaySent        = counter("gateway_messages_sent_total", "Messages to clients.")
	gatewayCut         = counter("gateway_connections_cut_total", "Connections that were cut or refused.", "reason")
)

func (m metric) of(value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
}

// Describe implements prometheus.Collector; what is collected depends on the
// process.
func (p parts) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (p parts) Collect(out chan<- prometheus.Metric) {
	if p.Projector != nil {
		p.collectProjector(out)
	}
	if p.Feed != nil {
		p.collectFeed(out)
	}
	if p.Gateway != nil {
		s := p.Gateway.Stats()
		out <- gatewayConnections.of(float64(s.Connections))
		out <- gatewayStreams.of(float64(s.Streams))
		out <- gatewayFeeds.of(float64(s.Feeds))
		out <- gatewayRequests.of(float64(s.Requests))
		out <- gatewaySent.of(float64(s.Sent))
		out <- gatewayCut.of(float64(s.Slow), "slow")
		out <- gatewayCut.of(float64(s.Silent), "silent")
		out <- gatewayCut.of(float64(s.Refused), "limit")
	}
	if p.Publishers != nil {
		ticks, events := p.Publishers.ticks.Stats(), p.Publishers.events.Stats()
		out <- publishSent.of(float64(ticks.Sent))
		out <- publishConflated.of(float64(ticks.Conflated))
		out <- publishFailed.of(float64(ticks.Failed))
		out <- publishWaiting.of(float64(ticks.Waiting+ticks.InFlight), "ticks")
		out <- publishWaiting.of(float64(events.Waiting), "events")
		out <- publishAcked.of(float64(events.Acked))
		out <- publishRetries.of(float64(events.Retries))
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func (p parts) collectProjector(out chan<- prometheus.Metric) {
	sharing := p.Projector.Sharing()
	out <- projectorMembers.of(float64(sharing.Projectors))
	out <- projectorCutOff.of(sharing.CutOff.Seconds())
	for _, s := range p.Projector.Stats() {
		out <- projectorHeld.of(oneIf(s.Held), s.Stream)
		out <- projectorAttached.of(oneIf(s.Attached), s.Stream)
		if s.Held { // of the others, their own metrics tell
			out <- projectorSequence.of(float64(s.Sequence), s.Stream)
			out <- projectorTrouble.of(s.Waiting.Seconds(), s.Stream)
			out <- projectorRate.of(s.Rate, s.Stream)
		}
		if s.LagKnown {
			out <- projectorLag.of(float64(s.Lag.Messages), s.Stream)
			out <- projectorLagSeconds.of(s.Lag.Age.Seconds(), s.Stream)
		}
		out <- projectorMessages.of(float64(s.Messages), s.Stream)
		out <- projectorBatches.of(float64(s.Batches), s.Stream)
		out <- projectorConflicts.of(float64(s.Conflicts), s.Stream)
		out <- projectorLetters.of(float64(s.DeadLetters), s.Stream)
		out <- projectorDuplicates.of(float64(s.Duplicates), s.Stream)
		out <- projectorOlder.of(float64(s.OutOfOrder), s.Stream)
		out <- projectorDropped.of(float64(s.Dropped), s.Stream)
		out <- projectorForgotten.of(float64(s.Forgotten), s.Stream)
		out <- projectorRenewed.of(float64(s.Renewed), s.Stream)
		out <- projectorRetention.of(s.RetentionUsed, s.Stream)
		out <- projectorDifferences.of(float64(s.Differences), s.Stream)
		out <- projectorRebuilds.of(float64(s.Rebuilds), s.Stream)
		out <- projectorLost.of(float64(s.Lost), s.Stream)
	}
}

func (p parts) collectFeed(out chan<- prometheus.Metric) {
	s := p.Feed.Stats()
	active := 1.0
	if s.Standby {
		active = 0
	}
	out <- ingestActive.of(active, s.Exchange)
	out <- ingestConflicts.of(float64(s.Conflicts), s.Exchange)
	out <- ingestState.of(float64(s.State), s.Exchange)
	out <- ingestTicks.of(float64(s.Ticks), s.Exchange)
	out <- ingestTrades.of(float64(s.Trades), s.Exchange)
	out <- ingestCandles.of(float64(s.Candles), s.Exchange)
	out <- ingestDuplicates.of(float64(s.Duplicates), s.Exchange)
	out <- ingestHoles.of(float64(s.Holes), s.Exchange)
	out <- ingestFilled.of(float64(s.Filled), s.Exchange)
	out <- ingestGaps.of(float64(s.Gaps), s.Exchange)
	out <- ingestConnects.of(float64(s.Connects), s.Exchange)
	out <- ingestDropped.of(float64(s.Dropped), s.Exchange)
	for kind, n := range s.Refused {
		out <- ingestRefused.of(float64(n), s.Exchange, kind)
	}
}
