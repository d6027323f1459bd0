package private

import (
	"errors"
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
)

func TestRealMoneyIsTradedOnlyWhereItIsSaid(t *testing.T) {
	t.Parallel()
	own := Own{
		Exchange: "venue", Test: Hosts{"https://test.venue.com", "wss://test.venue.com/ws"}, Real: Hosts{"https://api.venue.com", "wss://api.venue.com/ws"},
		IsReal: func(host string) bool { return Within(host, "venue.com") && host != "test.venue.com" },
	}
	bare := settings("")
	bare.StreamURL = ""
	if c := bare.WithDefaults(own); c.RESTURL != own.Test.REST || c.StreamURL != own.Test.Stream || c.validate(own) != nil {
		t.Fatalf("%s, %s", c.RESTURL, c.StreamURL)
	}
	noTest := own
	noTest.Test = Hosts{}
	for name, c := range map[string]struct {
		own     Own
		change  func(*Config)
		refused string // the field; empty: it is taken
	}{
		"no test network":        {noTest, func(*Config) {}, "real"},
		"one host of one's own":  {noTest, func(c *Config) { c.RESTURL = "http://localhost" }, "real"},
		"hosts of one's own":     {noTest, func(c *Config) { c.RESTURL, c.StreamURL = "http://localhost", "ws://localhost" }, ""},
		"real":                   {noTest, func(c *Config) { c.Real = true }, ""},
		"a real host":            {own, func(c *Config) { c.RESTURL = "https://API.Venue.com.:443" }, "rest_url"},
		"a real stream":          {own, func(c *Config) { c.StreamURL = "wss://api.venue.com/ws" }, "stream_url"},
		"a real host, and real":  {own, func(c *Config) { c.RESTURL, c.Real = "https://api.venue.com", true }, ""},
		"a host that looks like": {own, func(c *Config) { c.RESTURL = "https://notvenue.com" }, ""},
	} {
		cfg := bare
		c.change(&cfg)
		err := cfg.WithDefaults(c.own).validate(c.own)
		var field *domain.FieldError
		if errors.As(err, &field) != (c.refused != "") || field != nil && field.Field != c.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*Config){
		"exchange":    func(c *Config) { c.Exchange = "Venue" },
		"account":     func(c *Config) { c.Account = "" },
		"key":         func(c *Config) { c.Key = "" },
		"secret":      func(c *Config) { c.Secret = "" },
		"symbols":     func(c *Config) { c.Symbols = nil },
		"symbol":      func(c *Config) { c.Watch = []string{"BTCUSDT"} },
		"rest_url":    func(c *Config) { c.RESTURL = "https://user:password@host" },
		"stream_url":  func(c *Config) { c.StreamURL = "https://host" },
		"timeout":     func(c *Config) { c.Timeout = -1 },
		"books_every": func(c *Config) { c.BooksEvery = -1 },
		"queue":       func(c *Config) { c.Queue = -1 },
		"backoff_max": func(c *Config) { c.BackoffMax = 1 },
	} {
		c := settings("http://localhost")
		change(&c)
		_, err := New(c, Own{}, nil)
		var wrong *domain.FieldError
		if !errors.As(err, &wrong) || wrong.Field != field || strings.Contains(err.Error(), "password") {
			t.Errorf("%s: %v", field, err)
		}
	}
}
