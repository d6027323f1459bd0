package main

// mutation takes one guard away.
type mutation struct {
	name    string
	noticed runner // what must fail then
	edits   []edit
}

// edit replaces a text in a file, in which it must be exactly once.
type edit struct {
	file, old, new string
}

var mutations = append(orderMutations, projectionMutations...)

// The guards of the order path.
var orderMutations = []mutation{
	{
		name: "lease-owner", noticed: orders,
		edits: []edit{{"cachestore/scripts/orders_lease.lua",
			"if token ~= ARGV[3] or id ~= ARGV[2] or (tonumber(ends) <= now and ARGV[5] ~= 'grace') then",
			"if not token then"}},
	},
	{
		name: "intent-compare-and-set", noticed: orders,
		edits: []edit{{"client/order_intent.go",
			"changes = append(changes, bus.Change{Event: order, Last: order.Sequence})",
			`last := order.Sequence
			if now, err := o.newest(ctx, order.Exchange, order.ID); err == nil {
				last = now.last
			}
			changes = append(changes, bus.Change{Event: order, Last: last})`}},
	},
	{
		name: "block-condition", noticed: orders,
		edits: []edit{
			{"client/order_fences.go", "r.need(i, d.Symbol, domain.Key{Kind: domain.KindBlock, Exchange: d.Exchange, Symbol: d.Symbol}, d.BlockSeq)", "_ = i"},
			{"client/order_fences.go", `r.need(i, "", domain.Key{Kind: domain.KindGranted, Exchange: d.Exchange}, *grants)`, "_ = i"},
		},
	},
	{
		name: "opening-condition", noticed: orders,
		edits: []edit{
			{"client/order_fences.go", "r.need(i, d.Symbol, domain.Key{Kind: domain.KindOpening, Exchange: d.Exchange, Symbol: d.Symbol}, d.OpeningSeq)", "_ = i"},
			{"client/order_fences.go", `r.need(i, "", domain.Key{Kind: domain.KindGranted, Exchange: d.Exchange}, *grants)`, "_ = i"},
		},
	},
	{
		name: "lapsed-claim-condition", noticed: intents,
		edits: []edit{{"client/order_intent.go", "needed.need(i, d.Symbol, renewal, last)", "_, _ = renewal, last"}},
	},
	{
		name: "fence-before-sending", noticed: orders,
		edits: []edit{
			{"client/order_intent.go", "errs[i] = needed.granted(i, orders[i].Sequence, fences)", "_ = fences"},
		},
	},
	{
		name: "grants-condition", noticed: intents,
		edits: []edit{{"client/order_fences.go",
			"If: about, Last: last,",
			"If: about, Last: last, Free: about.Kind == domain.KindGranted,"}},
	},
	{
		name: "grants-known-to-the-pop", noticed: intents,
		edits: []edit{{"client/order_intent.go", "d.at.Seq < *grants", "false"}},
	},
	{
		name: "halts-seen-by-the-pop", noticed: intents,
		edits: []edit{{"client/order_fences.go", "c := condition{about, last}", "c := condition{about: about}"}},
	},
	{
		name: "query-before-resend", noticed: orders,
		edits: []edit{{"internal/orderworker/worker.go",
			"if d.Status == domain.OrderNew || d.Status == domain.OrderNotFound {",
			"if d.Status == domain.OrderIntent || d.Status == domain.OrderUnknown {\n\t\t\td.Status = domain.OrderNotFound\n\t\t}\n\t\tif d.Status == domain.OrderNotFound || d.Status == domain.OrderNew {"}},
	},
	{
		name: "not-found-after-the-deadline-only", noticed: orders,
		edits: []edit{{"internal/orderworker/submit.go",
			"sure := w.untilSure(o) <= 0",
			"sure := true"}},
	},
	{
		name: "create-once", noticed: orders,
		edits: []edit{{"client/order_push.go",
			"stored, err := o.store(ctx, order, 0)",
			"now, _ := o.newest(ctx, order.Exchange, order.ID)\n\t\tstored, err := o.store(ctx, order, now.last)"}},
	},
}

// Those that keep Redis a fold of the log.
var projectionMutations = []mutation{
	{
		name: "checkpoint-compare", noticed: chaos,
		edits: []edit{{"cachestore/scripts/apply.lua", "if stored ~= args[1] then", "if false then"}},
	},
	{
		name: "checkpoint-with-the-writes", noticed: writes,
		edits: []edit{
			{"cachestore/scripts/apply.lua", "call('SET', keys[1], args[2])\n", ""},
			{
				"cachestore/partition.go", `		text, err = p.store.call(ctx, batch.invocation("eval", applySource))
	}
`,
				`		text, err = p.store.call(ctx, batch.invocation("eval", applySource))
	}
	if err == nil && text == next.String() {
		err = p.store.rdb.Set(ctx, p.checkpointKey(), text, 0).Err()
	}
`,
			},
		},
	},
	{
		name: "probe-of-idle-partitions", noticed: chaos,
		edits: []edit{{"internal/projector/worker.go", "err = w.probe(ctx)", "err = nil"}},
	},
	{
		name: "epoch-check", noticed: chaos,
		edits: []edit{
			{"internal/projector/worker.go", "switch {\n\tcase at.IsZero():", "switch {\n\tcase true:"},
			{"internal/projector/worker.go", "if err == nil && extent.Created != w.at.Created {", "if err == nil && extent.Created == 0 {"},
		},
	},
	{
		name: "every-trade-is-kept", noticed: chaos,
		edits: []edit{{
			"internal/projector/trades.go", "m.trades = append(m.trades, cachestore.Write{Seq: rec.Seq, Payload: rec.Data})",
			"m.trades = append(m.trades[:0], cachestore.Write{Seq: rec.Seq, Payload: rec.Data})",
		}},
	},
}
