package aws

import (
	"maps"
	"time"
)

// rates are calls per second, account and region. Those of actions are published ("Amazon ECR service quotas"). Those of whole services,
// which each of their other actions has for itself, are not: they are in the order of what clients meet.
var rates = map[string]float64{
	"ecr:GetAuthorizationToken":       500,
	"ecr:PutImage":                    10,
	"ecr:InitiateLayerUpload":         100,
	"ecr:CompleteLayerUpload":         100,
	"ecr:UploadLayerPart":             500,
	"ecr:BatchCheckLayerAvailability": 1000,
	"ecr:BatchGetImage":               2000,
	"ecr:GetDownloadUrlForLayer":      3000,
	"ecr":                             20,
	"iam":                             20,
	"sts":                             600,
	"codeartifact":                    40,
}

// bucket is a token bucket that holds what comes in a second.
type bucket struct {
	left float64
	at   time.Time
}

// throttled takes one call from the bucket of an action, and tells whether it was empty.
func (c *Cloud) throttled(service, name string) bool {
	key := service + ":" + name
	rate, own := rates[key]
	if !own {
		rate = rates[service]
	}
	if rate *= c.quotas; rate == 0 {
		return false
	}
	most := max(1, rate)
	b := c.buckets[key]
	if b == nil {
		b = &bucket{most, c.now}
		c.buckets[key] = b
	}
	b.left = min(most, b.left+rate*c.now.Sub(b.at).Seconds())
	b.at = c.now
	if b.left < 1 {
		return true
	}
	b.left--
	return false
}

// throttle refuses a call that comes too soon after others.
func (c *Cloud) throttle(call *call) error {
	if c.throttled(call.service, call.name) {
		return call.refuse("Throttling", "ThrottlingException", "Rate exceeded")
	}
	return nil
}

// SetQuotas multiplies the published rates of all operations from now on; 0 is no throttling at all.
func (c *Cloud) SetQuotas(scale float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quotas = scale
	maps.DeleteFunc(c.buckets, func(string, *bucket) bool { return true })
}
