package domain_test

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fullon/fullon/domain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2024, 8, 9, 12, 0, 0, 0, time.UTC)

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

// wantField fails unless err is about the field; an empty field wants no error.
func wantField(t *testing.T, err error, field string) {
	t.Helper()
	if field == "" {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	var fe *domain.FieldError
	if !errors.As(err, &fe) || !errors.Is(err, domain.ErrInvalid) {
		t.Fatalf("got %v, want a FieldError of %q that matches ErrInvalid", err, field)
	}
	if fe.Field != field {
		t.Fatalf("the error names %q, want %q: %v", fe.Field, field, err)
	}
}
