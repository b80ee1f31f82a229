package planmemory

import (
	"fmt"
	"os"
	"strings"
)

// findCaller finds out which Terraform started this process.
func findCaller() caller {
	process := os.Getppid()
	directory := fmt.Sprintf("/proc/%d/", process)
	status, _ := os.ReadFile(directory + "stat")
	arguments, _ := os.ReadFile(directory + "cmdline")
	words := strings.Split(strings.TrimSuffix(string(arguments), "\x00"), "\x00")
	// The name of the program, in parentheses, may have blanks. The process started at what is the 20th word behind it.
	started := ""
	if behind := strings.Fields(string(status[strings.LastIndexByte(string(status), ')')+1:])); len(behind) > 19 {
		started = behind[19]
	}
	return caller{id: fmt.Sprintf("%d-%s", process, started), saved: savedPlan(words[1:])}
}
