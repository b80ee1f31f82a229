// Command rime-corpus reads every requirements file in a folder as the provider does, and prints how many can be used as they
// are and why the others cannot.
//
//	go run ./cmd/rime-corpus -at-least 98 FOLDER
//
// A file can be used if the function read_pip_file takes it, with the files of the folder for its -r and -c lines, or if
// pip_lock_file does. Hidden files are not looked at.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the exit code: 0 where enough of the files can be used, 1 where not, 2 where they cannot be read.
func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("rime-corpus", flag.ContinueOnError)
	flags.SetOutput(errs)
	atLeast := flags.Float64("at-least", 0, "how many of the files have to be usable, in percent")
	verbose := flags.Bool("v", false, "print every fault, not only the first of each file")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(errs, "usage: rime-corpus [-at-least PERCENT] [-v] FOLDER")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return 2
	}
	files, err := load(flags.Arg(0))
	if err != nil {
		_, _ = fmt.Fprintln(errs, "rime-corpus:", err)
		return 2
	}
	report := judge(files)
	_, _ = io.WriteString(out, report.text(*verbose))
	if report.percent() < *atLeast {
		return 1
	}
	return 0
}
