package bus

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fullon/fullon/domain"
)

const upperHex = "0123456789ABCDEF"

// EscapeToken makes any non-empty text fit for one token of a subject: each
// byte that NATS gives a meaning ('.', '*', '>', white space, control
// characters) and '%' itself becomes %XX. "BTC/USDT:USDT" stays as it is.
func EscapeToken(text string) string {
	i := 0
	for i < len(text) && !mustEscape(text[i]) {
		i++
	}
	if i == len(text) {
		return text
	}
	b := append(make([]byte, 0, len(text)+8), text[:i]...)
	for ; i < len(text); i++ {
		if c := text[i]; mustEscape(c) {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

func mustEscape(c byte) bool {
	return c <= ' ' || c == 0x7f || c == '.' || c == '*' || c == '>' || c == '%'
}

// UnescapeToken is the inverse of EscapeToken. It takes only what EscapeToken
// gives, so that one market has one subject; else the error is a
// *domain.FieldError.
func UnescapeToken(token string) (string, error) {
	if token == "" {
		return "", domain.Invalid("subject token", token, "at least one byte")
	}
	if !strings.Contains(token, "%") {
		if EscapeToken(token) != token {
			return "", domain.Invalid("subject token", token, "no white space, control characters, '.', '*' or '>'")
		}
		return token, nil
	}
	b := make([]byte, 0, len(token))
	for i := 0; i < len(token); i++ {
		if token[i] != '%' {
			b = append(b, token[i])
			continue
		}
		if i+2 >= len(token) {
			return "", domain.Invalid("subject token", token, "two upper-case hexadecimal digits after %")
		}
		high, low := strings.IndexByte(upperHex, token[i+1]), strings.IndexByte(upperHex, token[i+2])
		if high < 0 || low < 0 {
			return "", domain.Invalid("subject token", token, "two upper-case hexadecimal digits after %")
		}
		b = append(b, byte(high<<4|low))
		i += 2
	}
	text := string(b)
	if EscapeToken(text) != token {
		return "", domain.Invalid("subject token", token, EscapeToken(text))
	}
	return text, nil
}

// Address is where an event goes: a stream and a subject in it.
type Address struct {
	Stream  string
	Subject string
}

// Address computes where events with the key go. A Feed goes to every
// partition of ticks; see FeedAddresses. An unknown kind is an error that
// matches domain.ErrInvalid.
func (l Layout) Address(key domain.Key) (Address, error) {
	exchange, symbol := EscapeToken(key.Exchange), EscapeToken(key.Symbol)
	switch key.Kind {
	case domain.KindTick:
		p := l.ticks().of(exchange, symbol)
		return Address{p.stream(), fmt.Sprintf("tick.%s.%s.%s", p.token(), exchange, symbol)}, nil
	case domain.KindTrade, domain.KindGap:
		p := l.trades().of(exchange, symbol)
		return Address{p.stream(), fmt.Sprintf("%s.%s.%s.%s", key.Kind, p.token(), exchange, symbol)}, nil
	case domain.KindCandle:
		p := l.trades().of(exchange, symbol)
		return Address{p.stream(), fmt.Sprintf("candle.%s.%s.%s.%s", p.token(), exchange, symbol, key.Timeframe)}, nil
	}
	switch {
	case isAccountKind(key.Kind):
		return l.accountAddress(key)
	case isExchangeKind(key.Kind):
		return exchangeAddress(key), nil
	case isCatalogueKind(key.Kind):
		return catalogueAddress(key), nil
	}
	return Address{}, domain.Invalid("kind", string(key.Kind), "a kind of event that has one place")
}

// FeedAddresses are the places that an exchange's Feed goes to: one in each
// partition of ticks, because it vouches for the ticks before it there.
func (l Layout) FeedAddresses(exchange string) []Address {
	addresses := make([]Address, l.Ticks)
	for i, p := range l.ticks().partitions() {
		addresses[i] = Address{p.stream(), fmt.Sprintf("feed.%s.%s", p.token(), EscapeToken(exchange))}
	}
	return addresses
}

// ParseSubject is the inverse of Address for the subjects of a stream's own
// events. A subject of none of them gives an error that matches
// domain.ErrInvalid.
func ParseSubject(subject string) (domain.Key, error) {
	tokens := strings.Split(subject, ".")
	kind := domain.Kind(tokens[0])
	switch {
	case isExchangeKind(kind):
		return parseExchangeSubject(kind, subject, tokens)
	case isCatalogueKind(kind):
		return parseCatalogueSubject(kind, subject, tokens)
	}
	tokens = withoutGeneration(tokens)
	want := map[domain.Kind]int{
		domain.KindTick: 4, domain.KindFeed: 3, domain.KindTrade: 4, domain.KindCandle: 5, domain.KindGap: 4,
		domain.KindBalance: 4, domain.KindPosition: 4, domain.KindPositions: 3, domain.KindFill: 4, domain.KindAck: 4,
		domain.KindDifference: 4,
	}[kind]
	if len(tokens) != want {
		return domain.Key{}, domain.Invalid("subject", subject, "a kind of event, then partition, exchange or account and what the kind needs")
	}
	if _, err := strconv.ParseUint(tokens[1], 10, 16); err != nil {
		return domain.Key{}, domain.Invalid("subject", subject, "a partition number as the second token")
	}
	if isAccountKind(kind) {
		return parseAccountSubject(kind, tokens)
	}
	key := domain.Key{Kind: kind}
	var err error
	if key.Exchange, err = UnescapeToken(tokens[2]); err != nil {
		return domain.Key{}, err
	}
	if err := domain.CheckExchange(key.Exchange); err != nil {
		return domain.Key{}, err
	}
	if kind == domain.KindFeed {
		return key, nil
	}
	if key.Symbol, err = UnescapeToken(tokens[3]); err != nil {
		return domain.Key{}, err
	}
	if err := domain.CheckSymbol(key.Symbol); err != nil {
		return domain.Key{}, err
	}
	if kind == domain.KindCandle {
		if key.Timeframe, err = domain.ParseTimeframe(tokens[4]); err != nil {
			return domain.Key{}, err
		}
	}
	return key, nil
}
