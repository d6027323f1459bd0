package domain

import (
	"regexp"
	"strings"
)

// What may be secret in a text. All of them take rather too much than too
// little.
var (
	// urlCredentials stand before the host of a URL, or of several that are
	// separated by commas.
	urlCredentials = regexp.MustCompile(`://\S*@`)
	// bareCredentials are a user and a password before a host without a scheme.
	bareCredentials = regexp.MustCompile(`[^\s/:@]+:[^\s/@]+@`)
	// bearer is what follows the word in an Authorization header.
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`)
	// assignedSecrets are the values of settings, query parameters and JSON
	// members whose names say that they are secret.
	assignedSecrets = regexp.MustCompile(`(?i)((?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key|listen[_-]?key|signature|credentials?)["']?\s*[=:]\s*["']?)[^\s"'&,;]+`)
)

const redacted = "xxxxx"

// Redact takes out of a text what looks like a user name, a password, a key or
// a signature. What is shown to others, or kept where others can read it, goes
// through it.
func Redact(text string) string {
	text = urlCredentials.ReplaceAllString(text, "://"+redacted+"@")
	text = bareCredentials.ReplaceAllString(text, redacted+"@")
	text = bearer.ReplaceAllString(text, "${1} "+redacted)
	return assignedSecrets.ReplaceAllString(text, "${1}"+redacted)
}

// secretNames are what the names of secrets contain, in lower case and without
// separators.
var secretNames = []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "privatekey", "listenkey", "signature", "credential"}

// IsSecretName tells whether the name of a setting says that its value is
// secret.
func IsSecretName(name string) bool {
	plain := strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(name))
	for _, secret := range secretNames {
		if strings.Contains(plain, secret) {
			return true
		}
	}
	return false
}

// Shorten cuts a text to at most so many bytes, between characters.
func Shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(text[:most-len(ellipsis)], "") + ellipsis
}
