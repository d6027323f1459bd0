package okx

import "strings"

const (
	maxID    = 32 // characters of a clOrdId
	longUUID = 36 // with its dashes
	bareUUID = 32 // without
)

// escapes write what a clOrdId cannot have, by a letter that the ids of
// client.NewOrderID do not have.
var (
	escapes   = strings.NewReplacer("Z", "ZZ", "-", "Zd", "_", "Zu")
	unescapes = strings.NewReplacer("ZZ", "Z", "Zd", "-", "Zu", "_")
)

// clientID writes one of our ids as the venue takes it; ok is false for one that
// it cannot, or that would come back as another.
func clientID(id string) (text string, ok bool) {
	text = escapes.Replace(id)
	if bare := strings.ReplaceAll(id, "-", ""); len(id) == longUUID && isHex(bare) {
		text = bare
	}
	return text, text != "" && len(text) <= maxID && ourID(text) == id
}

// ourID is the inverse of clientID.
func ourID(text string) string {
	if isHex(text) {
		return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
	}
	return unescapes.Replace(text)
}

// isHex tells whether a text is a UUID without its dashes.
func isHex(text string) bool {
	return len(text) == bareUUID && strings.Trim(text, "0123456789abcdef") == ""
}
