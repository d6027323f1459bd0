package bus

import (
	"slices"

	"github.com/fullon/fullon/domain"
)

// The subjects of orders and of the rights to trade. All of one exchange are in
// one stream, so that an order can be stored on the condition of a block. They
// have no partition number: the exchange is the partition.

var exchangeKinds = []domain.Kind{
	domain.KindOrder, domain.KindBlock, domain.KindBlockRenewal, domain.KindOpening, domain.KindOpeningRenewal, domain.KindGranted,
	domain.KindHalt, domain.KindHaltAll, domain.KindFence,
}

// ofWholeExchange tells whether a kind has a subject for the exchange itself.
func ofWholeExchange(kind domain.Kind) bool {
	return kind == domain.KindGranted || kind == domain.KindHalt || kind == domain.KindHaltAll || kind == domain.KindFence
}

// ofPartsOfExchange tells whether a kind has subjects for what an exchange has.
func ofPartsOfExchange(kind domain.Kind) bool {
	return kind != domain.KindGranted && kind != domain.KindHaltAll
}

func isExchangeKind(kind domain.Kind) bool { return slices.Contains(exchangeKinds, kind) }

// orderRoute is what the addresses of all orders of an exchange have in common.
// Each order has its own, so that to remember those would serve nothing.
type orderRoute struct{ stream, prefix string }

func newOrderRoute(exchange string) orderRoute {
	return orderRoute{OrderStream(exchange), string(domain.KindOrder) + "." + EscapeToken(exchange) + "."}
}

func (r orderRoute) address(id string) Address { return Address{r.stream, r.prefix + EscapeToken(id)} }

func exchangeAddress(key domain.Key) Address {
	part := key.Symbol
	switch key.Kind {
	case domain.KindOrder:
		return newOrderRoute(key.Exchange).address(key.OrderID)
	case domain.KindHalt:
		part = key.Bot
	}
	address := Address{Stream: OrderStream(key.Exchange)}
	if part == "" {
		address.Subject = string(key.Kind) + "." + EscapeToken(key.Exchange)
	} else {
		address.Subject = string(key.Kind) + "." + EscapeToken(key.Exchange) + "." + EscapeToken(part)
	}
	return address
}

// parseExchangeSubject reads the tokens behind the kind.
func parseExchangeSubject(kind domain.Kind, subject string, tokens []string) (domain.Key, error) {
	if !(len(tokens) == 3 && ofPartsOfExchange(kind)) && !(len(tokens) == 2 && ofWholeExchange(kind)) {
		return domain.Key{}, domain.Invalid("subject", subject, "a kind of event, then exchange and order, symbol or bot")
	}
	key := domain.Key{Kind: kind}
	var err error
	if key.Exchange, err = unescape(tokens[1], domain.CheckExchange); err != nil {
		return domain.Key{}, err
	}
	switch {
	case len(tokens) == 2:
	case kind == domain.KindOrder:
		key.OrderID, err = unescape(tokens[2], domain.CheckOrderID)
	case kind == domain.KindHalt:
		key.Bot, err = unescape(tokens[2], domain.CheckBot)
	default:
		key.Symbol, err = unescape(tokens[2], domain.CheckSymbol)
	}
	if err != nil {
		return domain.Key{}, err
	}
	return key, nil
}

// unescape reads a token and checks what it says.
func unescape(token string, check func(string) error) (string, error) {
	text, err := UnescapeToken(token)
	if err == nil {
		err = check(text)
	}
	return text, err
}
