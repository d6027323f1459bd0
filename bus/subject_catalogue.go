package bus

import (
	"github.com/fullon/fullon/domain"
)

// The subjects of the catalogue, of which the newest message is kept for each.

func isCatalogueKind(kind domain.Kind) bool {
	return kind == domain.KindVenue || kind == domain.KindSymbol || kind == domain.KindBot
}

func catalogueAddress(key domain.Key) Address {
	subject := string(key.Kind) + "."
	switch {
	case key.Kind == domain.KindVenue:
		subject += EscapeToken(key.Exchange)
	case key.Kind == domain.KindSymbol:
		subject += EscapeToken(key.Exchange) + "." + EscapeToken(key.Symbol)
	case key.BotFeed == "":
		subject += EscapeToken(key.Bot)
	default:
		subject += EscapeToken(key.Bot) + "." + EscapeToken(key.BotFeed)
	}
	return Address{CatalogueStream, subject}
}

// parseCatalogueSubject reads the tokens behind the kind.
func parseCatalogueSubject(kind domain.Kind, subject string, tokens []string) (domain.Key, error) {
	two, three := len(tokens) == 2, len(tokens) == 3
	if kind == domain.KindVenue && !two || kind == domain.KindSymbol && !three || !two && !three {
		return domain.Key{}, domain.Invalid("subject", subject, "venue and exchange, symbol, exchange and symbol, or bot, bot and feed")
	}
	key := domain.Key{Kind: kind}
	var err error
	if kind == domain.KindBot {
		key.Bot, err = unescape(tokens[1], domain.CheckBot)
		if err == nil && three {
			key.BotFeed, err = unescape(tokens[2], domain.CheckBot)
		}
	} else {
		key.Exchange, err = unescape(tokens[1], domain.CheckExchange)
		if err == nil && three {
			key.Symbol, err = unescape(tokens[2], domain.CheckSymbol)
		}
	}
	if err != nil {
		return domain.Key{}, err
	}
	return key, nil
}
