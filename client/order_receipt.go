package client

import (
	"encoding/base64"
	"encoding/json"

	"github.com/fullon/fullon/domain"
)

// receipt is what a lease is kept by. Its names are short because it is handed
// around as a text.
type receipt struct {
	Exchange   string `json:"x"`
	Symbol     string `json:"s"`
	ID         string `json:"i"`
	Token      string `json:"t"`
	Epoch      uint64 `json:"e"`
	BlockToken uint64 `json:"b,omitempty"`
}

// Receipt is the delivery as a text, for who passes it on to another process:
// whoever has it can acknowledge the order, give it back or keep it longer. See
// DeliveryOf.
func (d OrderDelivery) Receipt() string {
	raw, _ := json.Marshal(receipt{d.Exchange, d.Symbol, d.ID, d.token, d.at.Epoch, d.BlockToken}) // strings and numbers
	return base64.RawURLEncoding.EncodeToString(raw)
}

// DeliveryOf reads a receipt: a delivery that Ack, Nack, Defer and Extend take.
// Of the order it has Exchange, Symbol and ID only. The error matches
// domain.ErrInvalid. That a receipt can be read does not mean that its lease
// lasts.
func DeliveryOf(text string) (OrderDelivery, error) {
	var r receipt
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil || r.Token == "" || r.ID == "" || domain.CheckExchange(r.Exchange) != nil || domain.CheckSymbol(r.Symbol) != nil {
		return OrderDelivery{}, domain.Invalid("receipt", text, "the receipt that came with the order")
	}
	d := OrderDelivery{BlockToken: r.BlockToken, token: r.Token, at: domain.Checkpoint{Epoch: r.Epoch}}
	d.ID, d.Exchange, d.Symbol = r.ID, r.Exchange, r.Symbol
	return d, nil
}
