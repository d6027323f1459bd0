package compose

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/joho/godotenv"
)

// dotenvFile is read from the working directory.
const dotenvFile = ".env"

// environment is where settings come from that are not on the command line. A
// variable that is empty counts as not set.
type environment map[string]string

// readEnvironment is the process's variables and, behind them, those of a .env
// file. The error is one that may be shown: it holds nothing of the file.
func readEnvironment(environ []string, dotenv string) (environment, error) {
	env := environment{}
	if info, err := os.Stat(dotenv); err == nil && !info.IsDir() {
		body, err := os.ReadFile(dotenv)
		if err != nil {
			return nil, usageError{fmt.Sprintf("%s cannot be read: %v", dotenvFile, errors.Unwrap(err))}
		}
		body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
		if env, err = parseDotenv(body); err != nil {
			return nil, usageError{fmt.Sprintf("%s: line %d cannot be read: want NAME=value", dotenvFile, badLine(body))}
		}
	}
	for _, variable := range environ {
		if name, value, ok := strings.Cut(variable, "="); ok {
			env[name] = value
		}
	}
	return env, nil
}

var errNoName = errors.New("a value without a name")

func parseDotenv(body []byte) (environment, error) {
	env, err := godotenv.UnmarshalBytes(body)
	if _, nameless := env[""]; nameless && err == nil {
		err = errNoName
	}
	return env, err
}

// badLine is the line at which a file begins to make no sense. The library's
// own words quote the file, and with it passwords.
func badLine(body []byte) int {
	lines := bytes.SplitAfter(body, []byte("\n"))
	for good := len(lines) - 1; good > 0; good-- {
		if _, err := parseDotenv(bytes.Join(lines[:good], nil)); err == nil {
			return good + 1
		}
	}
	return 1
}

// Validate implements kong.Resolver.
func (environment) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver: it is asked for flags that the command line
// does not have, so a flag that is right hides a variable that is wrong.
func (e environment) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if value := e[name]; value != "" {
			return value, nil
		}
	}
	return nil, nil
}

// ownEnvironment takes the variables away from the parser, which would read
// them from the process alone, and complain in its own words.
func ownEnvironment(k *kong.Kong) error {
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			flag.Envs, flag.Tag.Envs = flag.Tag.Envs, nil
		}
		return next(nil)
	})
}

// helpOf tells which variable a setting has.
func helpOf(v *kong.Value) string {
	if v.Flag == nil || len(v.Flag.Envs) == 0 {
		return v.Help
	}
	return strings.TrimSpace(v.Help + " [" + v.Flag.Envs[0] + "]")
}
