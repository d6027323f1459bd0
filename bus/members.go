package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/fullon/fullon/domain"
)

// MembersBucket is the KV bucket with one heartbeat for each projector: key is
// its id, value a JSON object (see beat), so that 'nats kv' shows it to people.
const MembersBucket = "PROJECTORS"

const (
	membersStream = "KV_" + MembersBucket
	membersPrefix = "$KV." + MembersBucket + "."
	// membersNews is where members tell each other to look at the bucket at once.
	membersNews = "fullon.projectors.news"
	// memberTTL is when the log forgets who said nothing any more, long after the
	// others have taken over.
	memberTTL = time.Minute
	// lookAgain is how long a look waits for a replica that lags.
	lookAgain = 10 * time.Millisecond
)

// membersConfig keeps the newest heartbeat of each member. It is on disk because
// a bucket in memory is gone when a single server restarts, and only the
// provisioner makes one.
func membersConfig(replicas int) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: MembersBucket, Description: "heartbeats of projectors", History: 1, TTL: memberTTL,
		MaxValueSize: MaxPayloadBytes, Storage: jetstream.FileStorage, Replicas: replicas,
	}
}

// beat is a member's heartbeat as it is stored.
type beat struct {
	Host   string  `json:"host"`
	PID    int     `json:"pid"`
	Cache  string  `json:"cache"`
	Ready  bool    `json:"ready"`
	Shares []share `json:"shares"`
}

type share struct {
	Stream    string  `json:"stream"`
	Held      bool    `json:"held"`
	Rate      float64 `json:"rate"`
	Conflicts uint64  `json:"conflicts"`
}

// Members is how one projector and the others know of each other. Its methods
// are safe for concurrent use.
type Members struct {
	bus   *Bus
	kv    jetstream.KeyValue
	id    string
	sub   *nats.Subscription
	heard chan struct{}
}

// Members opens the bucket for the member with an id; it is no member before its
// first Beat. Close it. The error matches domain.ErrNotFound when the deployment
// has no bucket, or domain.ErrUnreachable.
func (b *Bus) Members(ctx context.Context, id string) (*Members, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	kv, err := b.js.KeyValue(ctx, MembersBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, noBucket()
	}
	if err != nil {
		return nil, b.unreachable("bucket "+MembersBucket, err)
	}
	m := &Members{bus: b, kv: kv, id: id, heard: make(chan struct{}, 1)}
	m.sub, err = b.nc.Subscribe(membersNews, func(msg *nats.Msg) {
		if string(msg.Data) == m.id {
			return
		}
		select {
		case m.heard <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return nil, b.unreachable("news of projectors", err)
	}
	return m, nil
}

// Close ends hearing of others. It does not take the member out of the bucket.
func (m *Members) Close() { _ = m.sub.Unsubscribe() }

// Heard receives a token when another member has news.
func (m *Members) Heard() <-chan struct{} { return m.heard }

// Beat stores what self says of itself and returns what each member said last,
// self included; with news the others look at once, too. It blocks until ctx
// ends at most. The error matches domain.ErrUnreachable or domain.ErrNotFound.
func (m *Members) Beat(ctx context.Context, self domain.Member, news bool) ([]domain.Member, error) {
	value := beat{Host: self.Host, PID: self.PID, Cache: self.Cache, Ready: self.Ready, Shares: make([]share, len(self.Shares))}
	for i, s := range self.Shares {
		value.Shares[i] = share(s)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("heartbeat: %w: %w", domain.ErrInvalid, err)
	}
	revision, err := m.kv.Put(ctx, m.id, data)
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return nil, noBucket()
	}
	if err != nil {
		return nil, m.bus.unreachable("heartbeat", err)
	}
	if news {
		m.tell()
	}
	for {
		all, err := m.bus.members(ctx)
		if err != nil {
			return nil, err
		}
		// Any replica may answer. One that has what was just stored is not behind.
		for _, member := range all {
			if member.ID == m.id && member.Revision >= revision {
				return all, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, m.bus.unreachable("members", ctx.Err())
		case <-time.After(lookAgain):
		}
	}
}

// Leave takes the member out, and the others look at once. The error matches
// domain.ErrUnreachable.
func (m *Members) Leave(ctx context.Context) error {
	if err := m.kv.Delete(ctx, m.id); err != nil {
		return m.bus.unreachable("leaving", err)
	}
	m.tell()
	_ = m.bus.nc.FlushWithContext(ctx) // the connection may be closed next
	return nil
}

// tell makes the others look. When it is lost they look with their next
// heartbeat.
func (m *Members) tell() { _ = m.bus.nc.Publish(membersNews, []byte(m.id)) }

// LastBeats is what each projector said last, those included that have stopped or
// died since, and the present time by the log's clock. The error matches
// domain.ErrNotFound when the deployment has no bucket, or
// domain.ErrUnreachable.
func (b *Bus) LastBeats(ctx context.Context) (members []domain.Member, now time.Time, err error) {
	extent, err := b.Extent(ctx, membersStream)
	if errors.Is(err, domain.ErrNotFound) {
		return nil, time.Time{}, noBucket()
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	members, err = b.members(ctx)
	return members, extent.Now, err
}

// members reads the bucket. What cannot be read is nobody's heartbeat.
func (b *Bus) members(ctx context.Context) ([]domain.Member, error) {
	msgs, err := jetstreamext.GetLastMsgsFor(ctx, b.js, membersStream, []string{membersPrefix + ">"})
	if err != nil {
		return nil, b.unreachable("members", err)
	}
	var out []domain.Member
	for msg, err := range msgs {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			break
		}
		if err != nil {
			return nil, b.unreachable("members", err)
		}
		m := domain.Member{ID: strings.TrimPrefix(msg.Subject, membersPrefix), Revision: msg.Sequence, Beat: msg.Time}
		if msg.Header.Get("KV-Operation") != "" {
			m.Left = true
			out = append(out, m)
			continue
		}
		var value beat
		if err := json.Unmarshal(msg.Data, &value); err != nil {
			b.cfg.Log.Debug("a heartbeat cannot be read", "id", m.ID, "error", err)
			continue
		}
		m.Host, m.PID, m.Cache, m.Ready = value.Host, value.PID, value.Cache, value.Ready
		for _, s := range value.Shares {
			m.Shares = append(m.Shares, domain.Share(s))
		}
		out = append(out, m)
	}
	return out, nil
}

func noBucket() error {
	return fmt.Errorf("bucket %s, in which projectors share the partitions: %w: the deployment has none, run 'fullon provision'",
		MembersBucket, domain.ErrNotFound)
}
