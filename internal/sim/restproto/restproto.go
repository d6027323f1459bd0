// Package restproto holds what servers of Binance's public REST protocol have
// in common: error bodies, parameters, and the catalogue's form.
package restproto

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Error is the venue's error body and the HTTP status it comes with.
type Error struct {
	Status int    `json:"-"`
	Code   int    `json:"code"`
	Msg    string `json:"msg"`
}

func (e *Error) Error() string { return fmt.Sprintf("code %d: %s", e.Code, e.Msg) }

// The refusals that more than one endpoint gives.
var (
	ErrSymbol   error = Bad(-1121, "Invalid symbol.")
	ErrNoSymbol error = Bad(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
	ErrInterval error = Bad(-1120, "Invalid interval.")
	ErrBoth     error = Bad(-1128, "Combination of optional parameters invalid.")
)

// Bad is an error with status 400.
func Bad(code int, msg string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Msg: msg}
}

// Write answers with a body, or with err: an *Error as it is, any other one as
// an internal error.
func Write(w http.ResponseWriter, log *slog.Logger, body any, err error) {
	status := http.StatusOK
	if err != nil {
		var refusal *Error
		if !errors.As(err, &refusal) {
			refusal = &Error{Status: http.StatusInternalServerError, Code: -1000, Msg: err.Error()}
		}
		status, body = refusal.Status, refusal
	}
	data, err := json.Marshal(body)
	if err != nil {
		log.Error("answer not encodable", "err", err)
		status, data = http.StatusInternalServerError, []byte(`{"code":-1000,"msg":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(data) // a client that went away needs no answer
}

// Int reads an optional whole number, zero or more. The error is an *Error.
func Int(values url.Values, name string, missing int64) (int64, error) {
	text := values.Get(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strings.HasPrefix(text, "+") {
		return 0, Bad(-1100, fmt.Sprintf("Illegal characters found in parameter '%s'; legal range is '^[0-9]{1,20}$'.", name))
	}
	return n, nil
}

// Limit reads the limit of a list: 500 unless told, at most 1000. The error is
// an *Error.
func Limit(values url.Values) (int, error) {
	n, err := Int(values, "limit", 500)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, Bad(-1130, "Data sent for parameter 'limit' is not valid.")
	}
	return int(min(n, 1000)), nil
}

// Symbols reads the optional symbol and symbols of a request. nil: neither was
// sent, all are meant. one: a single one was asked for by symbol. The error is
// an *Error.
func Symbols(values url.Values) (names []string, one bool, err error) {
	symbol, symbols := values.Get("symbol"), values.Get("symbols")
	switch {
	case symbol != "" && symbols != "":
		return nil, false, ErrBoth
	case symbol != "":
		return []string{symbol}, true, nil
	case symbols == "":
		return nil, false, nil
	}
	if json.Unmarshal([]byte(symbols), &names) != nil || len(names) == 0 {
		return nil, false, Bad(-1100, "Illegal characters found in parameter 'symbols'; a JSON array of symbols is expected.")
	}
	return names, false, nil
}
