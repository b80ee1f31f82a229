package awsregistry_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

func TestLifecyclePolicy_hazards(t *testing.T) {
	t.Parallel()
	guard := keep(1, 1, awsregistry.RecordTag)
	for name, test := range map[string]struct {
		rules []rule
		// want are the rules at fault, from zero, with "record" or "image".
		want string
	}{
		"untagged":                           {rules: []rule{age(1, 1, awsregistry.TagStatusUntagged)}},
		"other tags":                         {rules: []rule{keep(1, 1, "release-*"), keep(2, 1, "4.1-x*"), keep(3, 1, "3.12.*")}},
		"any":                                {rules: []rule{age(1, 1, awsregistry.TagStatusAny)}, want: "0 record"},
		"any after a guard":                  {rules: []rule{guard, age(2, 1, awsregistry.TagStatusAny)}, want: "1 image"},
		"a guard that comes too late":        {rules: []rule{keep(1, 5, "rime-*"), keep(2, 1, awsregistry.RecordTag)}, want: "0 record"},
		"given in another order":             {rules: []rule{age(2, 1, awsregistry.TagStatusAny), guard}, want: "0 image"},
		"every tag":                          {rules: []rule{keep(1, 5, "*")}, want: "0 record"},
		"records":                            {rules: []rule{keep(1, 5, "rime-*")}, want: "0 record"},
		"records and something else":         {rules: []rule{keep(1, 5, "rime-*", "other*")}},
		"old records":                        {rules: []rule{with(guard, func(r *rule) { r.CountType = awsregistry.CountSincePushed })}, want: "0 record"},
		"images of one Python version":       {rules: []rule{with(keep(1, 5), func(r *rule) { r.TagPrefixes = []string{"3.12-"} })}, want: "0 image"},
		"images of no Python version":        {rules: []rule{with(keep(1, 5), func(r *rule) { r.TagPrefixes = []string{"3.123-"} })}},
		"one image":                          {rules: []rule{keep(1, 5, "3.12-0123456789ab")}, want: "0 image"},
		"a longer tag":                       {rules: []rule{keep(1, 5, "3.12-0123456789abc")}},
		"a part of images":                   {rules: []rule{keep(1, 5, "*-*f")}, want: "0 image"},
		"images, by archiving":               {rules: []rule{with(age(1, 5, awsregistry.TagStatusAny), func(r *rule) { r.Action = awsregistry.ActionTransition })}, want: "0 record"},
		"what has been archived":             {rules: []rule{archived(1, 90)}},
		"each of two, the record only first": {rules: []rule{keep(1, 5, "*"), keep(2, 5, "3*")}, want: "0 record, 1 image"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy{Rules: test.rules}
			if problems := p.Check(); len(problems) > 0 {
				t.Fatal(problems)
			}
			var got []string
			for _, hazard := range p.Hazards() {
				what := "image"
				if hazard.Record {
					what = "record"
				}
				got = append(got, fmt.Sprint(hazard.Rule, " ", what))
				if hazard.Reason == "" || hazard.Suggestion == "" {
					t.Errorf("%+v says too little", hazard)
				}
			}
			if text := strings.Join(got, ", "); text != test.want {
				t.Errorf("got %q, want %q", text, test.want)
			}
		})
	}
}

// Whenever a rule selects the tag of some image, by an independent matcher, the image is endangered.
func TestLifecyclePolicy_hazardsMissNone(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	const letters = "0123456789abcdef.-*rime"
	hits := 0
	for range 20_000 {
		var pattern strings.Builder
		for range 1 + random.IntN(6) {
			pattern.WriteByte(letters[random.IntN(len(letters))])
		}
		tag := fmt.Sprintf("3.%d-%012x", random.IntN(20), random.Uint64()>>16)
		matched, err := path.Match(pattern.String(), tag)
		if err != nil {
			t.Fatal(err)
		}
		if !matched {
			continue
		}
		hits++
		if len((policy{Rules: []rule{keep(1, 2, pattern.String())}}).Hazards()) == 0 {
			t.Errorf("%s selects %s", pattern.String(), tag)
		}
	}
	if hits < 50 {
		t.Errorf("only %d of the patterns matched a tag", hits)
	}
}

func TestLifecyclePolicy_useless(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rules []rule
		want  string
	}{
		"nothing in common":        {rules: []rule{keep(1, 5, "v*"), keep(2, 5, "w*")}},
		"a part of one before":     {rules: []rule{keep(1, 5, "v*"), keep(2, 5, "v1*")}, want: `rule 2: tag_patterns "v1*" never has an effect: the rule of priority 1 comes first and selects all of these images; give it a lower priority number, or remove it`},
		"more than one before":     {rules: []rule{keep(1, 5, "v1*"), keep(2, 5, "v*")}},
		"the order is by priority": {rules: []rule{keep(9, 5, "v1*"), keep(2, 5, "v*")}, want: `rule 1: tag_patterns "v1*" never has an effect: the rule of priority 2 comes first and selects all of these images; give it a lower priority number, or remove it`},
		"one needs more tags":      {rules: []rule{keep(1, 5, "v*", "x"), keep(2, 5, "v1*")}},
		"the later needs more":     {rules: []rule{keep(1, 5, "v*"), keep(2, 5, "x", "v1*")}, want: `rule 2: tag_patterns "x, v1*" never has an effect: the rule of priority 1 comes first and selects all of these images; give it a lower priority number, or remove it`},
		"another storage class":    {rules: []rule{keep(1, 5, "v*"), with(archived(2, 90), func(r *rule) { r.TagStatus, r.TagPatterns = awsregistry.TagStatusTagged, []string{"v1*"} })}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy{Rules: test.rules}
			if problems := p.Check(); len(problems) > 0 {
				t.Fatal(problems)
			}
			got := ""
			for _, useless := range p.Useless() {
				got += useless.Error()
			}
			if got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}
