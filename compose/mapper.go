package compose

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/fullon/fullon/domain"
)

// settingMapper reads a flag, an argument or a variable, so that all of them
// complain alike: name of the variable and the flag, value, what is allowed.
type settingMapper struct{}

// settingMappers make the parser use it for every type that settings have.
func settingMappers() kong.Option {
	return kong.OptionFunc(func(k *kong.Kong) error {
		options := []kong.Option{kong.KindMapper(reflect.String, settingMapper{}), kong.KindMapper(reflect.Bool, switchMapper{})}
		for _, t := range settingTypes {
			options = append(options, kong.TypeMapper(reflect.TypeOf(t).Elem(), settingMapper{}))
		}
		for _, option := range options {
			if err := option.Apply(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// Decode implements kong.Mapper.
func (settingMapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("value")
	if err != nil {
		return usageError{fmt.Sprintf("%s: a value is missing", settingName(ctx.Value))}
	}
	text := fmt.Sprint(token.Value)
	unmarshaler, ok := target.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok {
		target.SetString(text)
		return nil
	}
	return named(ctx.Value, text, unmarshaler.UnmarshalText([]byte(text)))
}

// switchMapper reads a flag that needs no value.
type switchMapper struct{}

// IsBool implements kong.BoolMapper.
func (switchMapper) IsBool() bool { return true }

// Decode implements kong.Mapper.
func (switchMapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		target.SetBool(true)
		return nil
	}
	text := fmt.Sprint(ctx.Scan.Pop().Value)
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		target.SetBool(true)
	case "false", "no", "off", "0":
		target.SetBool(false)
	default:
		return named(ctx.Value, text, notAllowed(text, "true or false"))
	}
	return nil
}

// named puts the names of the setting before what is wrong with its value.
func named(v *kong.Value, text string, err error) error {
	var wrong *domain.FieldError
	if errors.As(err, &wrong) {
		return &domain.FieldError{Field: settingName(v), Value: wrong.Value, Allowed: wrong.Allowed}
	}
	if err != nil {
		return domain.Invalid(settingName(v), text, err.Error())
	}
	return nil
}

// settingName is how people know a setting: by its variable and its flag.
func settingName(v *kong.Value) string {
	name := v.ShortSummary()
	if v.Flag != nil && len(v.Flag.Envs) > 0 {
		return v.Flag.Envs[0] + " (" + name + ")"
	}
	return name
}

// usageError is a command line that cannot be understood. It matches
// domain.ErrInvalid.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func (e usageError) Is(target error) bool { return target == domain.ErrInvalid }
