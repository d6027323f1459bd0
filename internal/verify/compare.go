package verify

import (
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// barSlack is by how much a trade's time may be ahead of the log's clock.
const barSlack = 2 * time.Minute

// compare holds what Redis has against what the second fold has, both of one
// checkpoint, and notes which fields were seen.
func (c *comparison) compare(key string, theirs, ours []cachestore.Item, seen map[string]bool) {
	says := make(map[string]cachestore.Item, len(ours))
	for _, item := range ours {
		says[item.Field] = item
	}
	older := c.older(key, theirs)
	for _, item := range theirs {
		seen[item.Field] = true
		c.report.Values++
		said, known := says[item.Field]
		delete(says, item.Field)
		switch {
		case known && said.Value == item.Value:
		case c.unproven(key, item):
			c.report.Unproven++
		case known:
			c.differ(key, item.Field, pointer(said.Value), pointer(item.Value))
		default:
			c.differ(key, item.Field, nil, pointer(item.Value))
		}
	}
	for _, item := range ours {
		if _, missing := says[item.Field]; !missing {
			continue
		}
		seen[item.Field] = true
		c.report.Values++
		if c.unproven(key, item) || older[idOf(key, item)] {
			c.report.Unproven++
		} else {
			c.differ(key, item.Field, pointer(item.Value), nil)
		}
	}
}

// older are the ids of those trades or fills of a list that the log has dropped: a
// repetition of them is none for a fold that has never seen them.
func (c *comparison) older(key string, theirs []cachestore.Item) map[string]bool {
	ids := make(map[string]bool)
	for _, item := range theirs {
		if id := idOf(key, item); id != "" && item.Seq < c.extent.First {
			ids[id] = true
		}
	}
	return ids
}

func idOf(key string, item cachestore.Item) string {
	switch family, _, _ := strings.Cut(key, ":"); family {
	case "trades", "fills", "unacked":
		if _, payload, err := wire.UnstampText(item.Value); err == nil {
			id, _ := wire.TradeID(payload) // empty when it cannot be read
			return id
		}
	}
	return ""
}

// unproven reports whether a value can be another one only because the log has
// dropped something.
func (c *comparison) unproven(key string, item cachestore.Item) bool {
	if c.report.Dropped == 0 {
		return false
	}
	if item.Seq != 0 && item.Seq < c.extent.First {
		return true
	}
	if !item.Derived {
		return false
	}
	switch family, _, _ := strings.Cut(key, ":"); family {
	case "candles":
		_, start, isBar := strings.Cut(item.Field, ":")
		begins, err := strconv.ParseInt(start, 10, 64)
		return !isBar || err != nil || time.Unix(begins, 0).Before(c.extent.Since.Add(barSlack))
	case "orders":
		_, payload, err := wire.UnstampText(item.Value)
		if err != nil {
			return false
		}
		event, err := wire.Decode(domain.Key{Kind: domain.KindOrder, Exchange: "any", OrderID: item.Field}, payload)
		order, ok := event.(domain.Order)
		return err == nil && ok && order.First != 0 && order.First < c.extent.First
	}
	return true
}

func (c *comparison) differ(key, field string, log, redis *string) {
	c.report.Differences++
	if len(c.report.Examples) < MaxExamples {
		c.report.Examples = append(c.report.Examples, Difference{Key: key, Field: field, Log: log, Redis: redis})
	}
}

func pointer(text string) *string { return &text }
