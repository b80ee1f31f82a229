package acctest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// A plan of many images that have not changed costs a call for each hundred, and a few, however slow the platform is.
func TestRIME_manyImages(t *testing.T) {
	t.Parallel()
	const images, latency, mostCalls = 200, 50 * time.Millisecond, 200/100 + 5
	p := newPlatform(t, sandbox.Options{})
	// One image is created, and the others by way of its example: on the platform, and in the state.
	config := func(count int) string {
		return strings.Replace(strings.Replace(model, `"model"`, `"model-${count.index}"`, 1), "{\n", fmt.Sprintf("{\n  count            = %d\n", count), 1)
	}
	p.Write("main.tf", config(1))
	p.Apply()
	for i := 1; i < images; i++ {
		p.must(p.Add(fmt.Sprintf("model-%d", i), sandbox.Inputs{PythonVersion: "3.11", PipRequirements: []sandbox.Require{{Name: "tiny-model", VersionSpecifier: ">=1,<2"}}}))
	}
	p.Write("main.tf", config(images))
	p.Write("terraform.tfstate", multiplied(t, p.StateFile(), images))
	p.Forget()
	p.SetLatency(latency)
	p.PlanIsEmpty()
	if calls := len(p.Requests()); calls > mostCalls {
		t.Errorf("a plan of %d images cost %d calls, more than %d", images, calls, mostCalls)
	}
}

// multiplied is a state with so many instances of its only resource, each like the first but for the number at the end of its name.
func multiplied(t *testing.T, state []byte, count int) string {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(state, &document); err != nil {
		t.Fatal(err)
	}
	resource := document["resources"].([]any)[0].(map[string]any)
	first, err := json.Marshal(resource["instances"].([]any)[0])
	if err != nil {
		t.Fatal(err)
	}
	instances := make([]any, count)
	for i := range instances {
		text := strings.NewReplacer("model-0", fmt.Sprintf("model-%d", i), `"index_key":0`, fmt.Sprintf(`"index_key":%d`, i)).Replace(string(first))
		if err := json.Unmarshal([]byte(text), &instances[i]); err != nil {
			t.Fatal(err)
		}
	}
	resource["instances"] = instances
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
