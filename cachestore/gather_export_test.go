package cachestore

import "context"

// OwnGet reads a key over a connection of the gatherer's own, without the
// library behind it that would do instead.
func (s *Store) OwnGet(ctx context.Context, key string) (string, error) {
	f := &flight{commands: []command{{"get", key}}}
	if err := s.gather.fetch(ctx, f); err != nil {
		return "", err
	}
	r := reply{rest: f.part(0, 1)}
	text := r.text()
	return text, r.err
}
