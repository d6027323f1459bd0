package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
)

// The exit codes of every command.
const (
	ExitOK          = 0
	ExitFailed      = 1 // something went wrong
	ExitUsage       = 2 // a wrong flag, argument or variable
	ExitNotFound    = 3 // what was asked for is not there
	ExitUnreachable = 4 // the log or Redis did not answer
	ExitRebuilding  = 5 // Redis is being folded anew: try again later
)

// ExitCode is the exit code for an error; ExitOK for nil.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, domain.ErrInvalid):
		return ExitUsage
	case errors.Is(err, domain.ErrUnreachable):
		return ExitUnreachable
	case errors.Is(err, domain.ErrRebuilding):
		return ExitRebuilding
	case errors.Is(err, domain.ErrNotFound):
		return ExitNotFound
	}
	return ExitFailed
}

// Main parses the arguments of a command into its grammar, a pointer to a
// struct with kong tags, and runs the chosen command's Run method. What a .env
// file in the working directory says stands behind the environment. It returns
// the exit code and prints at most one line on stderr.
func Main(name, description string, grammar any, vars map[string]string, args []string, stderr io.Writer) int {
	redis.SetLogger(quiet{})
	return run(os.Environ(), dotenvFile, name, description, grammar, vars, args, stderr)
}

// run is Main for any environment and .env file.
func run(environ []string, dotenv, name, description string, grammar any, vars map[string]string, args []string, stderr io.Writer) int {
	env, err := readEnvironment(environ, dotenv)
	if err != nil {
		complain(stderr, name, err)
		return ExitUsage
	}
	exited := -1
	parser, err := kong.New(grammar, kong.Name(name), kong.Description(description), kong.Vars(vars), venueNames(),
		settingMappers(), kong.Resolvers(env),
		kong.Exit(func(code int) { exited = code; panic(exitPanic{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 110}), kong.Help(briefHelp), kong.ValueFormatter(helpOf))
	if err == nil {
		err = ownEnvironment(parser)
	}
	if err != nil {
		complain(stderr, name, err)
		return ExitFailed
	}
	ctx, err := parseQuietly(parser, args)
	if exited >= 0 {
		return exited // --help
	}
	if err != nil {
		complain(stderr, name, explain(name, err))
		return ExitUsage
	}
	if err := ctx.Run(); err != nil {
		complain(stderr, name, err)
		return ExitCode(err)
	}
	return ExitOK
}

// briefHelp prints the settings that commands share with each command, but not
// where it lists commands.
func briefHelp(options kong.HelpOptions, ctx *kong.Context) error {
	at := ctx.Selected()
	if at == nil {
		at = ctx.Model.Node
	}
	if len(at.Children) > 0 {
		for _, flag := range ctx.Model.Flags {
			flag.Hidden = flag.Name != "help"
		}
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// quiet keeps the Redis library from printing on its own what the store returns
// as errors, into the live table, too.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

type exitPanic struct{}

// parseQuietly turns the parser's way to exit after --help into a return.
func parseQuietly(parser *kong.Kong, args []string) (ctx *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(exitPanic); !ok {
				panic(r)
			}
		}
	}()
	return parser.Parse(args)
}

// explain is a parser's error without the parser's own words around it, and
// with a hint where the words are about the shape of the command line.
func explain(name string, err error) error {
	var wrong *domain.FieldError
	if errors.As(err, &wrong) {
		return wrong
	}
	var usage usageError
	if errors.As(err, &usage) {
		err = usage
	}
	command := name
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		command = parse.Context.Selected().FullPath()
	}
	return fmt.Errorf("%w (see '%s --help')", err, command)
}

// complain prints an error as one line.
func complain(w io.Writer, name string, err error) {
	_, _ = fmt.Fprintf(w, "%s: %s\n", name, oneLine(err))
}

func oneLine(err error) string { return domain.Redact(strings.Join(strings.Fields(err.Error()), " ")) }
