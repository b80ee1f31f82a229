package diags

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// InvalidArgument describes what a check of the argument at that position, from zero, found.
func InvalidArgument(position int64, value string, problem *Problem) *function.FuncError {
	return refuse(position, fmt.Sprintf("%q %s. %s", value, problem.Text, sentence(problem.Suggestion)))
}

// InvalidRequirement describes what package requirement found wrong in the argument at that position, from zero.
func InvalidRequirement(position int64, err error) *function.FuncError {
	refused, ok := errors.AsType[*requirement.Error](err)
	if !ok {
		return refuse(position, sentence(err.Error()))
	}
	return refuse(position, refusal(refused))
}

// InvalidRequirementsFile describes what package requirement found wrong in the lines of a requirements file, the argument
// at that position, from zero. What is wrong with several lines is told once: who wrote a hash to one wrote them to all.
func InvalidRequirementsFile(position int64, refused []*requirement.RefusedLine) *function.FuncError {
	var problems []string // in the order of the lines
	lines := map[string][]*requirement.RefusedLine{}
	for _, r := range refused {
		if lines[r.Err.Problem] == nil {
			problems = append(problems, r.Err.Problem)
		}
		lines[r.Err.Problem] = append(lines[r.Err.Problem], r)
	}
	paragraphs := []string{"not every line is a requirement that an image can have."}
	for _, problem := range problems {
		first, others := lines[problem][0], lines[problem][1:]
		paragraph := fmt.Sprintf("%s: %s", sentenceStart(placeOf(first)), refusal(first.Err))
		if len(others) > 0 {
			paragraph += " The same goes for " + placesOf(others) + "."
		}
		paragraphs = append(paragraphs, paragraph)
	}
	return refuse(position, text(paragraphs...))
}

// maxLinesShown is how many lines with the same fault are named.
const maxLinesShown = 10

// placesOf names lines, those of one file together: `lines 2, 5, line 1 of "base.txt"`.
func placesOf(refused []*requirement.RefusedLine) string {
	var places []string
	for from := 0; from < min(len(refused), maxLinesShown); {
		to := from
		var numbers []string
		for ; to < min(len(refused), maxLinesShown) && refused[to].File == refused[from].File; to++ {
			numbers = append(numbers, strconv.Itoa(refused[to].Line))
		}
		word := "line "
		if len(numbers) > 1 {
			word = "lines "
		}
		places = append(places, word+strings.Join(numbers, ", ")+inFile(refused[from]))
		from = to
	}
	all := strings.Join(places, ", ")
	if more := len(refused) - maxLinesShown; more > 0 {
		all += fmt.Sprintf(" and %d more", more)
	}
	return all
}

func placeOf(line *requirement.RefusedLine) string {
	return fmt.Sprintf("line %d%s", line.Line, inFile(line))
}

func inFile(line *requirement.RefusedLine) string {
	if line.File == "" {
		return ""
	}
	return fmt.Sprintf(" of %q", redact.Input(line.File))
}

// sentenceStart is the text with a capital letter.
func sentenceStart(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// refuse leaves out the last full stop, which Terraform writes.
func refuse(position int64, message string) *function.FuncError {
	return function.NewArgumentFuncError(position, redact.Text(strings.TrimSuffix(strings.TrimSpace(message), ".")))
}

// refusal is what is wrong with a text, and what to do.
func refusal(refused *requirement.Error) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s. %s", shortened(refused.Text), problemOf(refused), sentence(refused.Suggestion)))
}

// shortened quotes a text, cut to a length that still fits a message.
func shortened(text string) string {
	if len(text) <= maxShown {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(text[:maxShown], ""))
}
