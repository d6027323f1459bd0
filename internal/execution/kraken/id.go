package kraken

import (
	"encoding/base32"
	"encoding/hex"
	"strings"
)

const (
	maxText  = 18 // characters of a cl_ord_id that is no UUID
	longUUID = 36 // with dashes
	hexUUID  = 32 // without
)

// idEncoding is that of client.NewOrderID.
var idEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

// clientID writes one of our ids as the venue takes it; ok is false for one that
// it cannot.
func clientID(id string) (text string, ok bool) {
	switch {
	case len(id) <= maxText:
		return id, true
	case len(id) == longUUID:
		return id, isUUID(id)
	}
	raw, err := idEncoding.DecodeString(id)
	if err != nil || len(raw) != hexUUID/2 || idEncoding.EncodeToString(raw) != id {
		return "", false
	}
	return hex.EncodeToString(raw), true
}

// ourID is the inverse of clientID.
func ourID(text string) string {
	if raw, err := hex.DecodeString(text); err == nil && len(text) == hexUUID {
		return idEncoding.EncodeToString(raw)
	}
	return text
}

// isUUID takes what the venue would answer as it was sent: lower case, dashes
// in their places.
func isUUID(id string) bool {
	for i, dash := range id {
		switch i {
		case 8, 13, 18, 23:
			if dash != '-' {
				return false
			}
		}
	}
	bare := strings.ReplaceAll(id, "-", "")
	_, err := hex.DecodeString(bare)
	return err == nil && len(bare) == hexUUID && bare == strings.ToLower(bare)
}
