package aws

import (
	"errors"
	"slices"
	"time"
)

// Call is a call that the account has answered, of a service or of ECR's registry.
type Call struct {
	// Operation is the action that a policy would have to allow, such as "ecr:PutImage".
	Operation string `json:"operation"`
	// Principal is the ARN of who called, empty if that is not known.
	Principal string `json:"principal,omitempty"`
	// Error is the code of the error, empty if there was none.
	Error string    `json:"error,omitempty"`
	At    time.Time `json:"at"`
}

// record remembers a call.
func (c *Cloud) record(operation string, by *principal, code string) {
	arn := ""
	if by != nil {
		arn = by.arn
	}
	c.calls = append(c.calls, Call{operation, arn, code, c.now})
}

// codeOf is the code of an error, or empty.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused.code
	}
	return "InternalFailure"
}

// Calls are the calls so far, in the order of their answers. What a fault rule answered never came here; the gate has recorded it.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// CallCounts counts the calls so far by operation.
func (c *Cloud) CallCounts() map[string]int {
	counts := map[string]int{}
	for _, call := range c.Calls() {
		counts[call.Operation]++
	}
	return counts
}

// ForgetCalls forgets the calls so far.
func (c *Cloud) ForgetCalls() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

// SetLag changes how late reads see what is written from now on.
func (c *Cloud) SetLag(lag Lag) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lag = lag
}
