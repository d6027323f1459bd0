package bus

import (
	"fmt"
	"strings"

	"github.com/fullon/fullon/domain"
)

// The subjects of accounts. All that is known of one account is in one stream,
// whatever its kind, so that a snapshot of its positions and a change of one of
// them have an order.

func isAccountKind(kind domain.Kind) bool {
	switch kind {
	case domain.KindBalance, domain.KindPosition, domain.KindPositions, domain.KindFill, domain.KindAck,
		domain.KindDifference:
		return true
	}
	return false
}

func (l Layout) accountAddress(key domain.Key) (Address, error) {
	account := EscapeToken(key.Account)
	p := l.accounts().of(account)
	head, stream := fmt.Sprintf("%s.%s.%s", key.Kind, p.token(), account), p.stream()
	switch key.Kind {
	case domain.KindBalance:
		return Address{stream, head + "." + EscapeToken(key.Currency)}, nil
	case domain.KindPosition:
		return Address{stream, head + "." + EscapeToken(key.Symbol)}, nil
	case domain.KindPositions:
		return Address{stream, head}, nil
	case domain.KindFill, domain.KindAck:
		return Address{stream, head + "." + EscapeToken(key.Exchange)}, nil
	case domain.KindDifference:
		// Of a symbol and a currency one is empty, and only one has a slash.
		return Address{stream, head + "." + EscapeToken(key.Symbol+key.Currency)}, nil
	}
	return Address{}, domain.Invalid("kind", string(key.Kind), "balance, position, positions, fill, ack or difference")
}

// parseAccountSubject reads the tokens behind the partition.
func parseAccountSubject(kind domain.Kind, tokens []string) (domain.Key, error) {
	key := domain.Key{Kind: kind}
	var err error
	if key.Account, err = UnescapeToken(tokens[2]); err != nil {
		return domain.Key{}, err
	}
	if err := domain.CheckAccount(key.Account); err != nil {
		return domain.Key{}, err
	}
	if kind == domain.KindPositions {
		return key, nil
	}
	last, err := UnescapeToken(tokens[3])
	if err != nil {
		return domain.Key{}, err
	}
	switch kind {
	case domain.KindBalance:
		key.Currency, err = last, domain.CheckCurrency(last)
	case domain.KindPosition:
		key.Symbol, err = last, domain.CheckSymbol(last)
	case domain.KindDifference:
		if strings.Contains(last, "/") {
			key.Symbol, err = last, domain.CheckSymbol(last)
		} else {
			key.Currency, err = last, domain.CheckCurrency(last)
		}
	default:
		key.Exchange, err = last, domain.CheckExchange(last)
	}
	if err != nil {
		return domain.Key{}, err
	}
	return key, nil
}
